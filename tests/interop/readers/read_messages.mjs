// A base64 message per line on standard input -> what postal-mime and mailparser make of
// it, a JSON line each.
import { createInterface } from 'node:readline';
import mailparser from 'mailparser';
import PostalMime from 'postal-mime';

const base64 = (content) => Buffer.from(content).toString('base64');

async function withPostalMime(raw) {
  const mail = await PostalMime.parse(raw);
  return {
    subject: mail.subject ?? '',
    to: mail.to.map(({ name, address }) => ({ name, address })),
    message_id: mail.messageId,
    headers: mail.headers.map(({ key }) => key),
    html: mail.html ?? null,
    text: mail.text ?? null,
    files: mail.attachments.map((file) => [file.filename, base64(file.content)]),
  };
}

async function withMailparser(raw) {
  const mail = await mailparser.simpleParser(raw, {
    skipHtmlToText: true, skipTextToHtml: true, skipTextLinks: true, skipImageLinks: true,
  });
  return {
    subject: mail.subject ?? '',
    to: mail.to.value.map(({ name, address }) => ({ name, address })),
    message_id: mail.messageId,
    headers: mail.headerLines.map(({ key }) => key),
    html: mail.html || null,
    text: mail.text ?? null,
    files: mail.attachments.map((file) => [file.filename, base64(file.content)]),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  const raw = Buffer.from(line, 'base64');
  console.log(JSON.stringify({
    'postal-mime': await withPostalMime(raw), mailparser: await withMailparser(raw),
  }));
}
