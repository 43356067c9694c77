/** Facts of this node that the rules depend on, apart from Services. */

export interface Site {
  /** TCP port of the HTTP proxy; undefined while there is none. */
  readonly proxyPort?: number
  /** Prefix whose addresses lead to the HTTP proxy, e.g. `169.254.64.0/19`. */
  readonly proxyRange: string
  /** Addresses that only this node and its pods may talk to: DNS. */
  readonly protectedAddresses: readonly string[]
  /** Interfaces that lead out of this node: ClusterIPs and protected addresses are not served there. */
  readonly outsideInterfaces: readonly string[]
}
