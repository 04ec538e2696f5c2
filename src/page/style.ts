// The one look of all pages and pictures: colours by names, in light and dark, each text at 4.5 : 1 or more against what is behind it.

const light =
  '--heat:6.5%;--text:#1b2430;--muted:#566172;--ground:#f4f6f9;--card:#fff;--line:#dde3ea;--soft:#edf1f5;--link:#1a56b8;' +
  '--kept:#1d8a6f;--rule:#d9822b;--other:#aeb8c4;--anew:#3b6fd8;--duplicate:#8b66b8;--dead:#c43d4d;--mark:#ffd9a8;' +
  '--s0:#1d8a6f;--s1:#e08e3c;--s2:#3f74d8;--s3:#8b66b8;--s4:#c43d4d;--s5:#6aa84f;--s6:#cf6aa8;--s7:#4f9fb8;--s8:#b09a3a;--s9:#aeb8c4'
const dark =
  '--heat:4.4%;--text:#e7ebf1;--muted:#a3afbe;--ground:#0f1319;--card:#181e27;--line:#2c3542;--soft:#222a35;--link:#8ab4f8;' +
  '--kept:#35b394;--rule:#e3974a;--other:#66717f;--anew:#6a97f2;--duplicate:#a886d6;--dead:#e0606e;--mark:#6b4515;' +
  '--s0:#2ba386;--s1:#d98f45;--s2:#5f8ce6;--s3:#a080d0;--s4:#d65a68;--s5:#76ad5e;--s6:#cc74ab;--s7:#5aa9c2;--s8:#b8a349;--s9:#66717f'

const fonts = `system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif`

const kinds = ['kept', 'rule', 'other', 'anew', 'duplicate', 'dead', ...Array.from({ length: 10 }, (_, i) => `s${i}`)]
const heats = Array.from({ length: 10 }, (_, i) => `rect.heat${i}{fill-opacity:${i === 0 ? 0.04 : 0.04 + i * 0.045}}`)

const chartRules = `svg text{font:12px ${fonts};fill:var(--muted)}svg text.name{fill:var(--text)}svg text.title{font-size:17px;font-weight:600;fill:var(--text)}
.grid{stroke:var(--line)}.now{stroke:var(--text);stroke-width:2}.was{fill:none;stroke:var(--muted);stroke-dasharray:4 3}.line{fill:none;stroke:var(--kept);stroke-width:1.5}
.track{fill:var(--soft)}.shade{fill:var(--rule);fill-opacity:.08}.sheet{fill:var(--card);stroke:var(--line)}
${kinds.map(kind => `rect.${kind},polygon.${kind},circle.${kind}{fill:var(--${kind})}`).join('')}${heats.join('')}`

const colours = `:root{color-scheme:light dark;${light}}@media (prefers-color-scheme:dark){:root{${dark}}}`

/** Of a picture that is a file of its own. */
export const pictureStyle = `${colours}${chartRules}`

/** The same as a table's cells have it: they are no part of a picture. */
const cellRules = ['kept', 'rule', 'duplicate', 'other']
  .flatMap(kind =>
    Array.from(
      { length: 10 },
      (_, i) =>
        `td.${kind}.heat${i}{background:color-mix(in srgb,var(--${kind}) calc(${i === 0 ? 0.4 : i} * var(--heat)),var(--card))}`,
    ),
  )
  .join('')
const tagRules = ['kept', 'rule', 'duplicate', 'dead', 'anew']
  .map(
    kind =>
      `.tag.${kind}{background:color-mix(in srgb,var(--${kind}) 18%,var(--card));border-color:color-mix(in srgb,var(--${kind}) 55%,var(--card))}.swatch.${kind}{background:var(--${kind})}`,
  )
  .join('')

/** Of a page. */
export const pageStyle = `${pictureStyle}
*{box-sizing:border-box}html{background:var(--ground);color:var(--text)}
body{font:14px/1.5 ${fonts};max-width:86rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
h1{font-size:1.35rem;margin:0;line-height:1.3}h2{font-size:1.02rem;margin:0 0 .15rem}h3{font-size:.9rem;margin:1rem 0 .3rem}
p{margin:.2rem 0 .6rem}.note,.muted,small{color:var(--muted)}a{color:var(--link)}code,pre{font:12px/1.55 ui-monospace,SFMono-Regular,Consolas,"DejaVu Sans Mono",monospace}
header{display:flex;flex-wrap:wrap;gap:.4rem .7rem;align-items:center;margin-bottom:.8rem}
.chip{border:1px solid var(--line);border-radius:1rem;padding:.05rem .6rem;background:var(--card);color:var(--muted)}.chip b{color:var(--text)}
.grid-of{display:grid;gap:.8rem;grid-template-columns:repeat(12,minmax(0,1fr));align-items:start}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.9rem 1rem;min-width:0;grid-column:span 12;align-self:stretch}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.8rem;margin-bottom:.8rem}
.figure{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.6rem .9rem}.figure b{display:block;font-size:1.45rem;line-height:1.3;font-variant-numeric:tabular-nums}
@media (min-width:60rem){.w4{grid-column:span 4}.w5{grid-column:span 5}.w6{grid-column:span 6}.w7{grid-column:span 7}.w8{grid-column:span 8}}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.12rem .45rem;text-align:right;font-weight:400;white-space:nowrap}
th{color:var(--muted);overflow-wrap:normal}td:first-child,th:first-child{text-align:left;padding-left:0}tr.all td{font-weight:600}table.wide{width:100%}table.lines th{white-space:normal;vertical-align:bottom}table.lines td,table.lines th{border-bottom:1px solid var(--line)}
th.long{text-align:left}td.long{white-space:normal;text-align:left;min-width:11rem;max-width:34rem}
table.heat{border-spacing:1px;border-collapse:separate}table.heat td{text-align:center;min-width:2.6rem;padding:.12rem .2rem}table.heat td.n{text-align:right;padding-right:.5rem}table.heat td:first-child{text-align:left;max-width:11rem;overflow:hidden;text-overflow:ellipsis}
table.heat th{vertical-align:bottom;text-align:center}table.heat th span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:14rem;overflow:hidden;text-overflow:ellipsis;display:inline-block}
.why{display:grid;grid-template-columns:minmax(7rem,15rem) minmax(2rem,1fr) auto auto;gap:.1rem .7rem;align-items:center}.why>span{font-variant-numeric:tabular-nums;text-align:right}
button,select,input{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:5px;padding:.2rem .5rem;max-width:100%}button{cursor:pointer}
button.plain{border:0;background:none;padding:.05rem 0;text-align:left;overflow-wrap:anywhere}button.plain:hover{text-decoration:underline}button[aria-pressed=true]{border-color:var(--text);font-weight:600}
:focus-visible{outline:2px solid var(--link);outline-offset:1px}summary{cursor:pointer;color:var(--muted);margin-top:.3rem}
input[type=range]{width:100%;padding:0;border:0;background:none;accent-color:var(--anew);margin:.1rem 0}input[type=number]{width:9rem}
.controls{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.4rem 0}.controls select{flex:0 1 22rem;min-width:0}.controls input[type=search]{flex:1 1 12rem;min-width:0}
svg.chart{display:block;max-width:100%;height:auto}svg.bar{display:block}.legend{display:flex;flex-wrap:wrap;gap:.1rem .9rem;margin-top:.3rem}.swatch{display:inline-block;width:.75rem;height:.75rem;border-radius:2px;margin-right:.35rem;vertical-align:-1px}
.swatch.other{background:var(--other)}${Array.from({ length: 10 }, (_, i) => `.swatch.s${i}{background:var(--s${i})}`).join('')}
pre{background:var(--soft);border-radius:5px;padding:.5rem .6rem;margin:.3rem 0;white-space:pre-wrap;overflow-wrap:anywhere}pre.text{max-height:22rem;overflow-y:auto}
mark{background:var(--mark);color:var(--text);border-radius:2px}.tag{display:inline-block;border:1px solid var(--line);border-radius:4px;padding:0 .4rem;font-size:.85em}
.good{color:var(--text)}.good::before{content:"✓ "}.bad{color:var(--text);font-weight:600}.bad::before{content:"✗ "}
.try{display:grid;gap:1rem;grid-template-columns:minmax(0,1fr)}.try .controls select{flex:1 1 8rem}.axis-wide{padding:0 2px 0 38px}
.measures{columns:22rem 2;column-gap:2rem;margin-top:.6rem}.measure{display:grid;grid-template-columns:minmax(0,1fr) auto 7.4rem 4.6rem;gap:.6rem;font-size:.93em;border-bottom:1px solid var(--line);break-inside:avoid;font-variant-numeric:tabular-nums}
.browse{display:grid;gap:.8rem;grid-template-columns:minmax(0,1fr)}.list{max-height:22rem;overflow-y:auto;border:1px solid var(--line);border-radius:5px}
.list button{display:block;width:100%;border:0;border-bottom:1px solid var(--line);border-radius:0;text-align:left;padding:.4rem .6rem;background:none}.list button[aria-current=true]{background:var(--soft)}
.list span.cut{display:block;color:var(--muted);overflow:hidden;white-space:nowrap;text-overflow:ellipsis}.sides{display:grid;gap:.8rem;grid-template-columns:minmax(0,1fr)}
@media (max-width:36rem){.measure{grid-template-columns:minmax(0,1fr) auto 5.5rem}.measure>:last-child{display:none}}
@media (min-width:60rem){.try{grid-template-columns:minmax(0,1.7fr) minmax(0,1fr)}.browse{grid-template-columns:minmax(0,20rem) minmax(0,1fr)}.list{max-height:40rem}.sides.two small:first-child{display:block;min-height:3em}.sides.two{grid-template-columns:repeat(2,minmax(0,1fr))}}
.small{display:grid;gap:.8rem;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}.small figure{margin:0}.small figcaption{overflow:hidden;text-overflow:ellipsis}
${cellRules}${tagRules}`
