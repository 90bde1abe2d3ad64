/** The look of every page: one column that fits a phone, in the reader's own light or dark. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1c1e21;--soft:#5b616a;--line:#d5d8dd;--paper:#f4f5f7;--card:#fff;--blue:#1d5fbf;--on-blue:#fff;--red:#b3261e;--red-wash:#fdeceb;--gold:#7a5200;--gold-wash:#fff4dc}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a5abb5;--line:#3c4149;--paper:#15171a;--card:#1f2226;--blue:#8ab4f8;--on-blue:#10203a;--red:#ffb4ab;--red-wash:#3b1d1b;--gold:#ffd58a;--gold-wash:#382a0c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:30rem;margin:0 auto;padding:1.25rem 1rem 3rem}
@media (min-width:34rem){main{margin-top:6vh;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;margin-bottom:6vh}}
.home{color:var(--soft);font-size:.9rem;margin:0 0 1.25rem}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .75rem}
h2{font-size:1rem;margin:1.75rem 0 .5rem}
p{margin:.5rem 0}
.soft,dt{color:var(--soft)}
small,.small{font-size:.875rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1rem;margin:1rem 0;font-size:.95rem}
dd{margin:0}
label.field{display:block;font-weight:600;margin-top:1rem}
input[type=text],input[type=password]{display:block;width:100%;margin-top:.3rem;padding:.65rem .75rem;font:inherit;font-weight:400;color:inherit;background:var(--card);border:1px solid var(--soft);border-radius:.4rem}
input:focus-visible,button:focus-visible,summary:focus-visible,a:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
input[hidden]{display:none}
button{display:block;width:100%;min-height:2.9rem;margin-top:.75rem;padding:.6rem 1rem;font:inherit;font-weight:600;border-radius:.4rem;border:1px solid var(--blue);background:var(--blue);color:var(--on-blue);cursor:pointer}
button.quiet{background:transparent;color:var(--blue)}
button.end{background:transparent;border-color:var(--red);color:var(--red);width:auto;min-height:2.4rem}
a{color:var(--blue)}
ul.scopes,ul.apps{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
ul.scopes>li,ul.apps>li{border-bottom:1px solid var(--line);padding:.7rem 0}
.scope{display:grid;grid-template-columns:1.5rem 1fr;gap:.1rem .6rem;align-items:start}
.scope input{width:1.15rem;height:1.15rem;margin:.2rem 0 0;accent-color:var(--blue)}
.scope b{font-weight:600}
.scope .more{grid-column:2}
details summary{cursor:pointer;color:var(--soft)}
details.other{margin-top:1.25rem;border-top:1px solid var(--line);padding-top:.75rem}
details ul{margin:.4rem 0 0;padding-left:1.1rem;font-size:.875rem}
.tag{display:inline-block;font-size:.78rem;font-weight:600;padding:0 .45rem;border-radius:.3rem;background:var(--red-wash);color:var(--red)}
.warn,.wrong{padding:.75rem .9rem;border-radius:.4rem;margin:1rem 0;border-left:4px solid}
.warn{background:var(--gold-wash);color:var(--gold);border-color:var(--gold)}
.wrong{background:var(--red-wash);color:var(--red);border-color:var(--red)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
code{font-family:ui-monospace,monospace;font-size:.92em}
`.trim()
