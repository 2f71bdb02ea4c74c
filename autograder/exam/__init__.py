"""The examiner: test cells run here, students' functions are asked over there, and a verdict comes of it."""
