// A campaign as one would write it in an afternoon: csv-parse, liquidjs, nodemailer's
// pool. No database, no retries, no report: it does less than Broadside does.
//
//   node send.mjs HOST PORT CONNECTIONS FOLDER LIST.csv
import { createReadStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse'
import { Liquid } from 'liquidjs'
import nodemailer from 'nodemailer'

const [host, port, connections, folder, list] = process.argv.slice(2)
const read = (name) => readFileSync(join(folder, name), 'utf8')

const liquid = new Liquid({ outputEscape: undefined })
const html = new Liquid({ outputEscape: 'escape' }).parse(read('newsletter.html'))
const text = liquid.parse(read('newsletter.txt'))
const subject = liquid.parse('{{ first_name }}, spring has come to {{ city }}')
const offers = JSON.parse(read('offers.json'))

const transport = nodemailer.createTransport({
  host, port: Number(port), secure: false, ignoreTLS: true,
  pool: true, maxConnections: Number(connections), maxMessages: Infinity,
})

async function send (row) {
  const values = { ...offers, ...row }
  await transport.sendMail({
    from: 'Acme News <news@acme.example>',
    to: row.email,
    subject: liquid.renderSync(subject, values),
    html: liquid.renderSync(html, values),
    text: liquid.renderSync(text, values),
    headers: { 'List-Unsubscribe': `<https://www.acme.example/unsubscribe?c=${row.customer_no}>` },
  })
}

// As many at once as keeps every connection busy, and no more: memory stays bounded.
const limit = Number(connections) * 2
const running = new Set()
let sent = 0
for await (const row of createReadStream(list).pipe(parse({ columns: true }))) {
  const one = send(row).then(() => { sent++ }).finally(() => running.delete(one))
  running.add(one)
  if (running.size >= limit) await Promise.race(running)
}
await Promise.all(running)
transport.close()
console.log(`sent ${sent}`)
