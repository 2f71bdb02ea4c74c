"""What a person should look at, because no test and no rule can judge it: the reasons as data, and their list in words."""
