import { programPath } from '../network/command.ts'

/** What programs in the sandbox learn of the user's own environment. */
const passed = ['HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TERM', 'TZ'] as const

/**
 * The environment of everything in a sandbox. A proxy, a kubeconfig or Node.js options of the machine's user mean
 * nothing in there, and would make programs look for what is not there.
 */
export function sandboxEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { PATH: programPath }
  for (const name of passed) {
    const value = own[name]
    if (value !== undefined) environment[name] = value
  }
  return environment
}
