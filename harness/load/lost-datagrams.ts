import { readFileSync } from 'node:fs'

/**
 * Datagrams that this network namespace received and threw away because a program did not read in time
 * (RcvbufErrors of /proc/net/snmp and snmp6), 0 where the kernel does not tell.
 */
export function lostDatagrams(): number {
  return udp4Errors(read('/proc/net/snmp')) + udp6Errors(read('/proc/net/snmp6'))
}

function udp4Errors(text: string): number {
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '))
  return Number(values[names.indexOf('RcvbufErrors')] ?? 0)
}

function udp6Errors(text: string): number {
  return Number(/^Udp6RcvbufErrors\s+(\d+)/m.exec(text)?.[1] ?? 0)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
