import { Markup, markup, type Part } from './markup.ts'

/** Where a run's sections stand in the document: prefix of its ids, level of its section headings. */
export interface Frame {
  /** Empty for a single run, `run-1-` and so on for several. */
  readonly prefix: string
  readonly level: 2 | 3
}

/** A section with its heading; screen readers list it by that name, and that of its run where there are several. */
export function section(
  frame: Frame,
  id: string,
  title: string,
  ...content: readonly Part[]
): Markup {
  const own = `${frame.prefix}${id}`
  return markup`<section id="${own}" aria-labelledby="${frame.prefix !== '' && `${frame.prefix}title `}${own}-title" class="part">
${heading(frame.level, title, `${own}-title`)}
${content}
</section>
`
}

export function heading(level: number, title: Part, id?: string): Markup {
  const tag = new Markup(`h${level}`)
  return markup`<${tag}${id !== undefined && markup` id="${id}"`}>${title}</${tag}>`
}

/** A name of any kind as part of an id. */
export function slug(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}
