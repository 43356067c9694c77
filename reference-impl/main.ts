#!/usr/bin/env node
import { Agent } from './agent.ts'
import { ConfigError, helpText, readConfig, type Config, type Invocation } from './config.ts'
import type { DataPlane, DataPlaneInit } from './data-plane.ts'
import { jsonLog, type Log } from './log.ts'
import { version } from './version.ts'

const exitCode = { fine: 0, cannotServe: 1, badConfiguration: 2 } as const

await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<void> {
  const invocation = invocationOf(args)
  switch (invocation.kind) {
    case 'help':
      process.stdout.write(helpText())
      return
    case 'version':
      process.stdout.write(`${version}\n`)
      return
    case 'cleanup':
      await cleanUp(invocation.config)
      return
    case 'run':
      await serve(invocation.config)
  }
}

function invocationOf(args: readonly string[]): Invocation {
  try {
    return readConfig(args, process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const problem of error.problems) process.stderr.write(`meshmark-reference: ${problem}\n`)
    return process.exit(exitCode.badConfiguration)
  }
}

async function serve(config: Config): Promise<void> {
  const log = jsonLog(config.logLevel)
  process.on('uncaughtException', (error) => {
    log.error('an error that nobody expected ends the agent', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
    process.exit(exitCode.cannotServe)
  })
  const agent = new Agent(config, await dataPlaneOf(config, log), log)
  let isEnding = false
  const end = (signal: NodeJS.Signals): void => {
    if (isEnding) {
      log.warn('ending at once', { signal })
      process.exit(exitCode.cannotServe)
    }
    isEnding = true
    void agent.stop().then(() => process.exit(exitCode.fine))
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  try {
    await agent.start()
    log.info('serving', {
      version,
      node: config.nodeName,
      dns: `${config.dnsAddress}:${config.dnsPort}`,
      admin: `${config.adminAddress.address}:${config.adminAddress.port}`,
      openFiles: await openFileLimit(),
    })
  } catch (error) {
    log.error('the agent cannot serve', {
      error: error instanceof Error ? error.message : String(error),
    })
    process.exit(exitCode.cannotServe)
  }
}

/** Takes off the node what an agent left that is no longer there. */
async function cleanUp(config: Config): Promise<void> {
  const log = jsonLog(config.logLevel)
  const [{ NameServer }, { lockNode }] = await Promise.all([
    import('./dns/name-server.ts'),
    import('./lock.ts'),
  ])
  try {
    await lockNode()
    const names = new NameServer(config, log)
    await names.unnameInNode()
    await names.removeAddress()
    await (await dataPlaneOf(config, log)).close({ cleanUp: true })
    log.info('nothing of the agent is left on this node', { stateDir: config.stateDir ?? 'none' })
    process.exit(exitCode.fine)
  } catch (error) {
    log.error('the node could not be cleaned up', {
      error: error instanceof Error ? error.message : String(error),
    })
    process.exit(exitCode.cannotServe)
  }
}

async function dataPlaneOf(
  { proxyMode, dnsAddress, dnsPort, clusterDomain, serviceFilter }: Config,
  log: Log,
): Promise<DataPlane> {
  if (proxyMode === 'off') return (await import('./no-data-plane.ts')).noDataPlane
  const init: DataPlaneInit = {
    dnsAddress,
    dnsPort,
    clusterDomain,
    serviceFilter,
    log: (level, message, facts) => log[level](message, facts),
  }
  if (proxyMode === 'userspace') {
    const { UserspacePath } = await import('./proxy/userspace/userspace-path.ts')
    return new UserspacePath(init)
  }
  const { createDataPlane } = await import('./proxy/data-plane.ts')
  return createDataPlane(init)
}

/** Sockets, connections and files that this process may have open at once. */
async function openFileLimit(): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  return /^Max open files\s+(\S+)/m.exec(limits)?.[1] ?? 'unknown'
}
