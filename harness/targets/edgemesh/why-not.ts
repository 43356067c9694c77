/** What stands in the log of an agent that does not start, and what is behind it. The first that fits is told. */
const causes: readonly {
  readonly says: RegExp
  readonly because: string
  readonly cure: string
}[] = [
  {
    says: /failed to set open file handler limit/i,
    because: 'it may not raise its limit of open files to 64000',
    cure: "raise the hard limit where Docker runs (ulimit -Hn), or start it through a program that keeps it within the machine's limit",
  },
  {
    says: /psk|pre-?shared key/i,
    because: 'its secret (PSK) is missing or cannot be read',
    cure: 'see the Secret kubeedge/edgemesh-agent-psk',
  },
  {
    says: /could not find the requested resource|no matches for kind|failed to list .*istio/i,
    because:
      "a CRD of Istio's (DestinationRule, Gateway, VirtualService) is missing or of another version",
    cure: 'kubectl get crd | grep istio',
  },
  {
    says: /edgemesh0|bridge|file exists|169\.254\.96\.16.*(in use|assign)/i,
    because: 'its bridge edgemesh0 (169.254.96.16) clashes with something on the node',
    cure: 'remove what an older EdgeMesh left: ip link del edgemesh0',
  },
  {
    says: /forbidden/i,
    because: 'its ServiceAccount lacks a right',
    cure: 'see the ClusterRole edgemesh-agent',
  },
  {
    says: /exec format error/i,
    because: 'its program is of another architecture',
    cure: 'name an image of this architecture: --target-image',
  },
  {
    says: /ErrImageNeverPull|ImagePullBackOff|ErrImagePull|failed to pull/i,
    because: 'its image is not in the node and cannot be pulled',
    cure: 'docker pull it first, or name one that is here: --target-image',
  },
]

/** What keeps an agent from starting, from its log and its pod's state, where that is known. */
export function whyNot(
  said: string,
): { readonly because: string; readonly cure: string } | undefined {
  return causes.find(({ says }) => says.test(said))
}
