import t from 'tap'
import { isCutShort } from './cut-short.ts'

t.test('text that stops inside something was cut', (t) => {
  for (const text of [
    '',
    ' \n',
    '{',
    '{"a": [1, 2',
    '{"a": "x',
    '{"a": "x\\"}',
    '{"a": "{}"',
    '[["\\\\"]',
  ])
    t.ok(isCutShort(text), JSON.stringify(text))
  t.end()
})

t.test('text that was ended was not cut, whatever is wrong with it', (t) => {
  for (const text of ['{}', '{"a": "x\\\\"}', '["\\"{", "["]', 'nope', '{"a": nope}', '{}}'])
    t.notOk(isCutShort(text), JSON.stringify(text))
  t.end()
})
