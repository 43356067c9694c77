import type { ContainerState } from '../container/state.ts'
import type { Channels } from './channels.ts'

/** Shows what a running container writes from now on, line by line. Its stdin is closed here, as without `stdin: true`. */
export function attach(channels: Channels, state: ContainerState): void {
  if (state.phase.kind !== 'running' || state.log === undefined) {
    channels.fail(`container ${state.spec.name} is not running`)
    return
  }
  const stop = state.log.onLines((lines) => {
    for (const line of lines.split('\n').filter((one) => one !== '')) {
      const [, stream, , ...words] = line.split(' ')
      channels.write(stream === 'stderr' ? 'stderr' : 'stdout', Buffer.from(`${words.join(' ')}\n`))
    }
  })
  channels.onClose(stop)
  void state.phase.container.exited.then(() => {
    channels.finish(0, [])
  })
}
