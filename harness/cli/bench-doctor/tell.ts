import type { Finding } from '../doctor/finding.ts'
import type { Told } from './examine.ts'
import type { Check, CheckVerdict, Section } from './check.ts'

const titles: Readonly<Record<Section, string>> = {
  'known-delay': 'Known delays: is what is measured what happened?',
  stall: 'A stall: do all feel it who came while it lasted?',
  limits: 'Limits of the generators',
  'cross-check': 'Other tools, same server, same load',
  resolution: 'The same thing twice: what can be told apart?',
  'positive-control': 'Something that is slower: is it found?',
}

const words: Readonly<Record<CheckVerdict, string>> = {
  ok: 'ok',
  failed: 'FAILED',
  unclear: 'unclear',
  skipped: 'skipped',
}

/** What is told while it goes, as text. */
export function toldText(told: Told): string {
  switch (told.kind) {
    case 'environment':
      return ['This machine, now', ...told.findings.map(environmentText)].join('\n')
    case 'section':
      return `\n${titles[told.section]}`
    case 'check':
      return checkText(told.check)
    case 'words':
      return ['', ...told.lines].join('\n')
  }
}

function environmentText({ state, id, detail, costs, cure }: Finding): string {
  return [
    `  ${(state === 'ok' ? 'ok' : 'trouble').padEnd(8)} ${id}: ${detail}`,
    ...(costs === undefined ? [] : [`           ${costs}`]),
    ...(cure === undefined ? [] : [`           cure: ${cure}`]),
  ].join('\n')
}

/** A check as lines of text: verdict, what, what was seen and wanted; below it what speaks against it. */
function checkText({ verdict, title, seen, wanted, reasons, tries, cure }: Check): string {
  const again = tries > 1 ? ` [${tries} tries]` : ''
  const lines = [
    `  ${words[verdict].padEnd(8)} ${title.padEnd(47)} ${seen}${verdict === 'skipped' ? '' : `; wanted: ${wanted}`}${again}`,
    ...reasons.map((why) => `           because ${why}`),
    ...(cure === undefined ? [] : [`           cure: ${cure}`]),
  ]
  return lines.join('\n')
}

/** What all checks come to, in one sentence. */
export function conclusionText(checks: readonly Check[]): string {
  const of = (verdict: CheckVerdict): readonly Check[] =>
    checks.filter((one) => one.verdict === verdict)
  const count = `${of('ok').length} of ${checks.length} checks are sound`
  const missing = of('skipped').length === 0 ? '' : `, ${of('skipped').length} skipped`
  if (of('failed').length > 0)
    return `${count}${missing}; meshmark itself failed ${of('failed').length}: ${ids(of('failed'))}. Its numbers are not to be trusted here.`
  if (of('unclear').length > 0)
    return `${count}${missing}; ${of('unclear').length} could not be told, because the machine was busy with something else: ${ids(of('unclear'))}.`
  return `${count}${missing}.`
}

function ids(checks: readonly Check[]): string {
  return checks.map(({ id }) => id).join(', ')
}
