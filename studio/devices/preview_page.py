"""The page that the preview serves: the picture as large as the screen, and how the show does. Works on a phone."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Reverie</title>
<meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover">
<meta name="theme-color" content="#0b0c10"><link rel="icon" href="data:,">
<style>
*{box-sizing:border-box}
html,body{margin:0;height:100%;background:#000;color:#e7e8ee;font:15px/1.4 system-ui,sans-serif}
body{display:flex;flex-direction:column;padding:env(safe-area-inset-top) env(safe-area-inset-right)
 env(safe-area-inset-bottom) env(safe-area-inset-left)}
main{flex:1;min-height:0;display:flex;align-items:center;justify-content:center;position:relative}
img{width:100%;height:100%;object-fit:contain;display:block}
#gone{position:absolute;inset:auto 0 12px;text-align:center;visibility:hidden}
#gone span{background:#5c1f2b;padding:6px 12px;border-radius:14px}
footer{display:flex;flex-wrap:wrap;gap:4px 18px;padding:8px 14px;background:#12131a;color:#a5a8b8;
 font-variant-numeric:tabular-nums}
footer b{color:#e7e8ee;font-weight:600}
.on{color:#ff9db0}
@media (orientation:landscape) and (max-height:480px){footer{padding:3px 12px;font-size:13px}}
</style></head><body>
<main><img id="picture" alt="The programme"><div id="gone"><span>The studio does not answer</span></div></main>
<footer id="facts"></footer>
<script>
"use strict";
const token = new URLSearchParams(location.search).get("t");
const picture = document.getElementById("picture"), facts = document.getElementById("facts");
const gone = document.getElementById("gone");
const watch = () => { picture.src = "/stream?t=" + encodeURIComponent(token) + "&n=" + Date.now(); };
picture.onerror = () => setTimeout(watch, 2000);
let lost = false;
async function look() {
  try {
    const answer = await fetch("/status?t=" + encodeURIComponent(token), {cache: "no-store"});
    if (!answer.ok) throw 0;
    const known = await answer.json();
    facts.replaceChildren(...Object.entries(known).map(([name, value]) => {
      const item = document.createElement("span"), strong = document.createElement("b");
      strong.textContent = value;
      item.append(name + " ", strong);
      if (name === "now") item.className = "on";
      return item;
    }));
    if (lost) watch();
    lost = false;
  } catch { lost = true; }
  gone.style.visibility = lost ? "visible" : "hidden";
  setTimeout(look, 1000);
}
watch(); look();
</script></body></html>
"""
