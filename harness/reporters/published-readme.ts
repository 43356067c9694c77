import type { RunResult } from '../model/run-result.ts'
import { mebibytes } from './format.ts'
import { reproduceCommand, suiteText } from './reproduce.ts'
import { counted } from './text.ts'
import { subjectName, verdictOf } from './verdict.ts'

/** What reports/README.md asks of a published folder's README, as far as the result knows it. */
export function readmeText(result: RunResult): string {
  const { environment, cluster } = result
  const machine = [
    environment.cpuModel,
    counted(environment.cpus, 'CPU'),
    mebibytes(environment.memoryMib).replace('\u00A0', ' '),
    environment.os,
    `kernel ${environment.kernel}`,
    ...(environment.virtualization === undefined ? [] : [environment.virtualization]),
  ].join(', ')
  return [
    `# ${subjectName(result)}, provider ${cluster.provider}`,
    verdictOf(result).sentence,
    `Machine: ${machine}; load average at the start ${environment.loadAverageAtStart.join(', ')}. ${suiteText(result)}.`,
    `\`\`\`sh\n${reproduceCommand(result)}\n\`\`\``,
    '`environment.json` holds the fingerprint of the machine and checksums of the other files; `histograms.hlog`, where there is one, the response times of every trial in the log format of HdrHistogram.\n',
  ].join('\n\n')
}
