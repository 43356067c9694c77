import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { images } from '../../clusters/local/kubelet/container/images.ts'
import { root } from '../../testing/sources.ts'
import { agentProgram } from './program.ts'

const flags = (line: readonly string[]): readonly string[] =>
  line.filter((part) => part.startsWith('--'))
const dockerfile = readFileSync(join(root, 'reference-impl', 'deploy', 'Dockerfile'), 'utf8')
const [, entrypoint = '[]'] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? []
const shipped = flags(JSON.parse(entrypoint) as string[])

t.ok(shipped.length > 0)
t.same(flags(agentProgram(root)), shipped, 'mutants and baselines are started as what is shipped')
t.same(images(root).get('meshmark/reference')?.entrypoint, agentProgram(root), 'on local, too')
