// Renders the page for each row of a CSV without quotes, for some seconds; prints
// renders per second and the bytes of the first page.
//   node liquidjs.mjs TEMPLATE DATA.json RECIPIENTS.csv SECONDS
import fs from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../peers/node/package.json', import.meta.url))
const { Liquid } = require('liquidjs')
const [template, data, csv, seconds] = process.argv.slice(2)
const engine = new Liquid({ outputEscape: 'escape' })
const page = engine.parse(fs.readFileSync(template, 'utf8'))
const statics = JSON.parse(fs.readFileSync(data, 'utf8'))
const [head, ...rows] = fs.readFileSync(csv, 'utf8').trim().split('\n')
const names = head.split(',')
const scopes = rows.map(row => {
  const scope = { ...statics }
  row.split(',').forEach((value, i) => { scope[names[i]] = value })
  return scope
})

let best = Infinity
const first = engine.renderSync(page, scopes[0])
for (let i = 0; i < 200; i++) engine.renderSync(page, scopes[i % scopes.length])
const end = Date.now() + Number(seconds) * 1000
for (let i = 0; Date.now() < end;) {
  const from = process.hrtime.bigint()
  for (let n = 0; n < 200; n++, i++) engine.renderSync(page, scopes[i % scopes.length])
  best = Math.min(best, Number(process.hrtime.bigint() - from) / 200)
}
console.log(JSON.stringify({ per_s: 1e9 / best, bytes: Buffer.byteLength(first) }))
