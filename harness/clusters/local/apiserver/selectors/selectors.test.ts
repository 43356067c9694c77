import t from 'tap'
import { configMaps, pods } from '../testing/definitions.ts'
import { parseFieldSelector } from './field-selector.ts'
import { parseLabelSelector } from './label-selector.ts'

const object = (labels: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'n', labels },
  spec: { nodeName: 'edge-a' },
})

await t.test('label selectors know every operator', (t) => {
  const labels = { app: 'web', tier: 'front', 'example.org/n': '5', empty: '' }
  const cases: readonly (readonly [string, boolean])[] = [
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web , tier=front', true],
    ['app=db', false],
    ['app!=db', true],
    ['missing!=x', true],
    ['app!=web', false],
    ['app in (db,web)', true],
    ['app in (db)', false],
    ['app notin (db)', true],
    ['missing notin (a, b)', true],
    ['app notin (web)', false],
    ['app', true],
    ['missing', false],
    ['!missing', true],
    ['!app', false],
    ['example.org/n>4', true],
    ['example.org/n>5', false],
    ['example.org/n<6', true],
    ['app>4', false],
    ['empty=', true],
    ['missing=', false],
    ['empty in ()', true],
    ['app=web,tier in (back)', false],
  ]
  for (const [selector, expected] of cases) {
    const matches = parseLabelSelector(selector)
    t.equal(matches?.(object(labels)) ?? true, expected, selector)
  }
  t.end()
})

await t.test('label selectors that do not parse are refused with 400', (t) => {
  for (const selector of [
    '=',
    'a=b=c',
    'a in b',
    'a in (b',
    'a b',
    'a=b,',
    ',',
    'a>x',
    '-a',
    'a=-',
  ]) {
    t.throws(() => parseLabelSelector(selector), { code: 400 }, selector)
  }
  t.end()
})

await t.test('field selectors know the fields of their kind only', (t) => {
  const matches = (text: string) => parseFieldSelector(text, pods)?.matches(object({}))
  t.equal(matches('metadata.name=p'), true)
  t.equal(matches('metadata.name!=p'), false)
  t.equal(matches('metadata.namespace=n,spec.nodeName==edge-a'), true)
  t.equal(matches('status.phase='), true, 'an absent field is the empty text')
  t.equal(parseFieldSelector('', pods), undefined)
  t.throws(() => parseFieldSelector('spec.foo=x', pods), {
    code: 400,
    message: 'field label not supported: spec.foo',
  })
  t.throws(() => parseFieldSelector('spec.nodeName=x', configMaps), { code: 400 })
  t.throws(() => parseFieldSelector('metadata.name', pods), { code: 400 })
  t.end()
})
