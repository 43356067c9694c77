import { isArray, isObject } from '../json.ts'

/**
 * The first value at a JSONPath of the kind that printer columns use: `.spec.hosts[0]`, `.metadata.labels.app\.name`,
 * `.status.conditions[?(@.type=="Ready")].status`.
 * @returns undefined when it leads nowhere
 */
export function firstAt(value: unknown, path: string): unknown {
  return follow(value, steps(path))
}

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly at: number }
  | { readonly kind: 'every' }
  | { readonly kind: 'where'; readonly path: string; readonly equals: unknown }

function follow(value: unknown, [step, ...rest]: readonly Step[]): unknown {
  if (step === undefined) return value
  switch (step.kind) {
    case 'field':
      return isObject(value) ? follow(value[step.name], rest) : undefined
    case 'index':
      return isArray(value) ? follow(value.at(step.at), rest) : undefined
    case 'every':
    case 'where': {
      if (!isArray(value)) return undefined
      for (const item of value) {
        if (step.kind === 'where' && firstAt(item, step.path) !== step.equals) continue
        const found = follow(item, rest)
        if (found !== undefined) return found
      }
      return undefined
    }
  }
}

function steps(path: string): readonly Step[] {
  const found: Step[] = []
  const token =
    /\[\?\(\s*@([^=\s]+)\s*==\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s)]+)\s*\)\]|\[\*\]|\[(-?\d+)\]|\['([^']*)'\]|\.?((?:\\.|[^.[\]\\])+)/g
  for (const match of path.replace(/^\{|\}$/g, '').matchAll(token)) {
    const [whole, condition, literal, index, quoted, name] = match
    if (condition !== undefined) {
      found.push({ kind: 'where', path: condition, equals: parseLiteral(literal ?? '') })
    } else if (whole === '[*]') found.push({ kind: 'every' })
    else if (index !== undefined) found.push({ kind: 'index', at: Number(index) })
    else found.push({ kind: 'field', name: quoted ?? (name ?? '').replace(/\\(.)/g, '$1') })
  }
  return found.filter((step) => step.kind !== 'field' || step.name !== '$')
}

function parseLiteral(text: string): unknown {
  if (text.startsWith("'")) return text.slice(1, -1)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
