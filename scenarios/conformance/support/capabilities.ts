/** Capabilities of Linux by their number (include/uapi/linux/capability.h). */
const names = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
] as const

/** What container runtimes give to a root process that asks for nothing (containerd, CRI-O, Docker). */
export const usualCapabilities: ReadonlySet<string> = new Set([
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SYS_CHROOT',
  'MKNOD',
  'AUDIT_WRITE',
  'SETFCAP',
])

/**
 * Names of the capabilities in a mask as /proc/PID/status has it (`CapEff: 00000000a80435fb`), in their order.
 * @throws RangeError when there is no such line
 */
export function effectiveCapabilities(status: string): readonly string[] {
  const [, hex] = /^CapEff:\s*([0-9a-f]+)$/m.exec(status) ?? []
  if (hex === undefined) throw new RangeError(`no CapEff in: ${status}`)
  const mask = BigInt(`0x${hex}`)
  return Array.from({ length: hex.length * 4 }, (_, bit) => bit)
    .filter((bit) => (mask >> BigInt(bit)) % 2n === 1n)
    .map((bit) => names[bit] ?? String(bit))
}
