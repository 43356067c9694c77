/**
 * Certificates and keys of tests alone: self-signed, ECDSA P-256, valid until 2126, made with `openssl req -x509 -newkey
 * ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500`. They protect nothing.
 */

export interface Credentials {
  readonly cert: string
  readonly key: string
}

/** The backend's name in its certificate. */
export const serverName = 'server.tls.example'

export const serverCredentials: Credentials = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBsDCCAVagAwIBAgIUOM9rib3GeISeDaKJ9f7Ytw5UkvwwCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwSc2VydmVyLnRscy5leGFtcGxlMCAXDTI2MTEyNTAxNTgxM1oY
DzIxMjYxMTAxMDE1ODEzWjAdMRswGQYDVQQDDBJzZXJ2ZXIudGxzLmV4YW1wbGUw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASkZG8v5YuTMf2Ac/VSzQbGmP+oApMJ
zQI6Rtadb0yAPzszuCePnnVdXuZ48iBem3VVoulvt43o4MR4F/sKOpQLo3IwcDAd
BgNVHQ4EFgQUJQ8oJ6LCcuwyHTv0foy+sFwR3oMwHwYDVR0jBBgwFoAUJQ8oJ6LC
cuwyHTv0foy+sFwR3oMwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHREEFjAUghJzZXJ2
ZXIudGxzLmV4YW1wbGUwCgYIKoZIzj0EAwIDSAAwRQIgJtE6mulUHJLIgo82E+BC
NXYdsEqGO41CFe/fEPFGj6ACIQD3ZB2IVcJ4GlwHjvZSIxJ7XvNeWUMMOhjdDFq8
UvE/mQ==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggPGaOK+7/u+1sU+C
T0F+2SCk/04tMuNx1gDUVJitwEKhRANCAASkZG8v5YuTMf2Ac/VSzQbGmP+oApMJ
zQI6Rtadb0yAPzszuCePnnVdXuZ48iBem3VVoulvt43o4MR4F/sKOpQL
-----END PRIVATE KEY-----
`,
}

export const clientCredentials: Credentials = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBsDCCAVagAwIBAgIUCrReklgr8xDbQ6PCovreFZgaLfowCgYIKoZIzj0EAwIw
HTEbMBkGA1UEAwwSY2xpZW50LnRscy5leGFtcGxlMCAXDTI2MTEyNTAxNTgxM1oY
DzIxMjYxMTAxMDE1ODEzWjAdMRswGQYDVQQDDBJjbGllbnQudGxzLmV4YW1wbGUw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARgW348q2wHSNehMfdURAL885a5Vjm4
vevynpmxDeuUHlFTg6k/9MRBg33HtQah0iij4N/64TsKh60RdWf3jA7Zo3IwcDAd
BgNVHQ4EFgQUXCLs/MoR/WENl6IZ9Xl8Dh+J620wHwYDVR0jBBgwFoAUXCLs/MoR
/WENl6IZ9Xl8Dh+J620wDwYDVR0TAQH/BAUwAwEB/zAdBgNVHREEFjAUghJjbGll
bnQudGxzLmV4YW1wbGUwCgYIKoZIzj0EAwIDSAAwRQIhALaUePfcT1eIyP6vcRbQ
iqCdvBpGAIgPPtwcmmF5X4qcAiB0U6IF/qMoKM0PDXIY29XGg8CHFHjzG/MQE3Cc
54rx3Q==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgdQ9NAUQDZgz9+fhx
c0Sx7VvmPKdhP07/iftQsanJ5zehRANCAARgW348q2wHSNehMfdURAL885a5Vjm4
vevynpmxDeuUHlFTg6k/9MRBg33HtQah0iij4N/64TsKh60RdWf3jA7Z
-----END PRIVATE KEY-----
`,
}
