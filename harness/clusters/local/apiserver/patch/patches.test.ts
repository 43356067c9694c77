import t from 'tap'
import { applyJsonPatch } from './json-patch.ts'
import { applyMergePatch } from './merge-patch.ts'
import { applyStrategicMergePatch } from './strategic-merge-patch.ts'
import { clone } from '../json.ts'
import type { JsonObject } from '../json.ts'
import { parseSchema } from '../schema.ts'

const schema = parseSchema({
  kinds: { 'v1/Thing': 'Thing' },
  types: {
    Thing: {
      items: '[]Item merge=name',
      plain: '[]Item',
      words: '[]string merge',
      tags: '[]string',
      map: '{}string',
      strategy: 'Strategy retainKeys',
    },
    Item: { name: 'string', value: 'string', other: 'string', nested: '[]Item merge=name' },
    Strategy: { type: 'string', rolling: 'any' },
  },
})
const thing = schema.typeOf('v1', 'Thing')

interface Vector {
  readonly what: string
  readonly original: JsonObject
  readonly patch: JsonObject
  readonly expected: JsonObject
}

const strategic: readonly Vector[] = [
  {
    what: 'adds a field',
    original: {},
    patch: { map: { a: '1' } },
    expected: { map: { a: '1' } },
  },
  {
    what: 'merges maps and deletes with null',
    original: { map: { a: '1', b: '2' } },
    patch: { map: { a: null, c: '3' } },
    expected: { map: { b: '2', c: '3' } },
  },
  {
    what: 'drops nulls that find nothing',
    original: {},
    patch: { map: { a: null, b: '1' } },
    expected: { map: { b: '1' } },
  },
  {
    what: 'merges list items by their key and appends new ones',
    original: { items: [{ name: 'a', value: '1', other: 'x' }] },
    patch: {
      items: [
        { name: 'b', value: '2' },
        { name: 'a', value: '9' },
      ],
    },
    expected: {
      items: [
        { name: 'b', value: '2' },
        { name: 'a', value: '9', other: 'x' },
      ],
    },
  },
  {
    what: 'replaces a list without a merge key',
    original: { plain: [{ name: 'a' }, { name: 'b' }], tags: ['x', 'y'] },
    patch: { plain: [{ name: 'c' }], tags: ['z'] },
    expected: { plain: [{ name: 'c' }], tags: ['z'] },
  },
  {
    what: 'unites lists of scalars that merge',
    original: { words: ['a', 'b'] },
    patch: { words: ['b', 'c'] },
    expected: { words: ['a', 'b', 'c'] },
  },
  {
    what: '$patch: delete removes an item',
    original: { items: [{ name: 'a' }, { name: 'b' }] },
    patch: { items: [{ name: 'a', $patch: 'delete' }] },
    expected: { items: [{ name: 'b' }] },
  },
  {
    what: '$patch: replace in a list replaces all of it',
    original: { items: [{ name: 'a', value: '1' }, { name: 'b' }] },
    patch: { items: [{ name: 'a', value: '2' }, { $patch: 'replace' }] },
    expected: { items: [{ name: 'a', value: '2' }] },
  },
  {
    what: '$patch: replace in a map replaces the map',
    original: { map: { a: '1', b: '2' } },
    patch: { map: { c: '3', $patch: 'replace' } },
    expected: { map: { c: '3' } },
  },
  {
    what: '$patch: delete of a map empties it',
    original: { map: { a: '1' } },
    patch: { map: { $patch: 'delete' } },
    expected: { map: {} },
  },
  {
    what: '$deleteFromPrimitiveList removes scalars',
    original: { words: ['a', 'b', 'c'] },
    patch: { '$deleteFromPrimitiveList/words': ['b'] },
    expected: { words: ['a', 'c'] },
  },
  {
    what: '$setElementOrder orders items, those of the server stay where they were',
    original: { items: [{ name: 'a' }, { name: 'server' }, { name: 'b' }] },
    patch: {
      '$setElementOrder/items': [{ name: 'b' }, { name: 'c' }, { name: 'a' }],
      items: [{ name: 'c', value: '3' }],
    },
    expected: {
      items: [{ name: 'server' }, { name: 'b' }, { name: 'c', value: '3' }, { name: 'a' }],
    },
  },
  {
    what: '$setElementOrder of scalars',
    original: { words: ['a', 'b'] },
    patch: { '$setElementOrder/words': ['c', 'b', 'a'], words: ['c'] },
    expected: { words: ['c', 'b', 'a'] },
  },
  {
    what: '$setElementOrder alone reorders',
    original: { items: [{ name: 'a' }, { name: 'b' }] },
    patch: { '$setElementOrder/items': [{ name: 'b' }, { name: 'a' }] },
    expected: { items: [{ name: 'b' }, { name: 'a' }] },
  },
  {
    what: '$retainKeys clears what it does not name',
    original: { strategy: { type: 'RollingUpdate', rolling: { maxSurge: 1 } } },
    patch: { strategy: { $retainKeys: ['type'], type: 'Recreate', rolling: null } },
    expected: { strategy: { type: 'Recreate' } },
  },
  {
    what: 'merges nested lists',
    original: { items: [{ name: 'a', nested: [{ name: 'x', value: '1' }] }] },
    patch: { items: [{ name: 'a', nested: [{ name: 'y' }] }] },
    expected: { items: [{ name: 'a', nested: [{ name: 'x', value: '1' }, { name: 'y' }] }] },
  },
  {
    what: 'keeps no directive of a list that was not there',
    original: {},
    patch: {
      items: [
        { name: 'a', $patch: 'delete' },
        { name: 'b', value: null },
      ],
    },
    expected: { items: [{ name: 'b' }] },
  },
]

await t.test('strategic merge patches follow the API conventions', (t) => {
  for (const { what, original, patch, expected } of strategic) {
    t.same(applyStrategicMergePatch(clone(original), clone(patch), thing), expected, what)
  }
  t.end()
})

await t.test('strategic merge patches with wrong directives are refused', (t) => {
  const original = { items: [{ name: 'a' }], map: {}, strategy: { type: 'x' } }
  const wrong: readonly JsonObject[] = [
    { items: [{ value: 'no key' }] },
    { items: [{ name: 'a', $patch: 'explode' }] },
    { map: { $patch: 'explode' } },
    { strategy: { $retainKeys: ['type'], rolling: {} } },
    { '$setElementOrder/items': [{ name: 'a' }], items: [{ name: 'b' }] },
  ]
  for (const patch of wrong) {
    const apply = () => applyStrategicMergePatch(clone(original), patch, thing)
    t.throws(apply, { code: 400 }, JSON.stringify(patch))
  }
  t.end()
})

await t.test('merge patches follow RFC 7396', (t) => {
  const vectors: readonly (readonly [JsonObject, JsonObject, JsonObject])[] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ]
  for (const [original, patch, expected] of vectors) {
    t.same(applyMergePatch(clone(original), patch), expected, JSON.stringify(patch))
  }
  t.end()
})

await t.test('JSON patches follow RFC 6902', (t) => {
  const vectors: readonly (readonly [JsonObject, readonly JsonObject[], JsonObject])[] = [
    [{ a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    [{ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    [{ a: 1, b: 2 }, [{ op: 'remove', path: '/a' }], { b: 2 }],
    [{ a: [1, 2] }, [{ op: 'remove', path: '/a/0' }], { a: [2] }],
    [{ a: 1 }, [{ op: 'replace', path: '/a', value: { b: 1 } }], { a: { b: 1 } }],
    [{ a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    [{ a: [1] }, [{ op: 'copy', from: '/a', path: '/b' }], { a: [1], b: [1] }],
    [{ 'a/b': 1, 'm~n': 2 }, [{ op: 'remove', path: '/a~1b' }], { 'm~n': 2 }],
    [{ a: { b: [1] } }, [{ op: 'test', path: '/a', value: { b: [1] } }], { a: { b: [1] } }],
    [{ a: 1 }, [{ op: 'replace', path: '', value: { z: 1 } }], { z: 1 }],
  ]
  for (const [original, patch, expected] of vectors) {
    t.same(applyJsonPatch(original, patch), expected, JSON.stringify(patch))
  }
  const failing: readonly (readonly JsonObject[])[] = [
    [{ op: 'test', path: '/a', value: 2 }],
    [{ op: 'remove', path: '/nope' }],
    [{ op: 'replace', path: '/nope', value: 1 }],
    [{ op: 'add', path: '/nope/x', value: 1 }],
    [{ op: 'add', path: '/list/7', value: 1 }],
    [{ op: 'add', path: '/list/01', value: 1 }],
    [{ op: 'explode', path: '/a' }],
    [{ op: 'add', path: 'a', value: 1 }],
    [{ op: 'add', path: '/b' }],
  ]
  for (const patch of failing) {
    const apply = () => applyJsonPatch({ a: 1, list: [] }, patch)
    t.throws(apply, { code: 422 }, JSON.stringify(patch))
  }
  t.throws(() => applyJsonPatch({}, {}), { code: 400 })
  t.end()
})

await t.test('no patch reaches the prototype of objects', (t) => {
  const hostile = JSON.parse('{"__proto__":{"polluted":1}}') as JsonObject
  applyMergePatch({}, hostile)
  applyStrategicMergePatch({}, hostile, undefined)
  applyJsonPatch({}, [{ op: 'add', path: '/__proto__', value: { polluted: 1 } }])
  t.equal(({} as JsonObject)['polluted'], undefined)
  t.end()
})
