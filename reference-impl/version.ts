/** Version of this agent: that of the package it is released with. */
export const version = '0.1.0'
