/**
 * A program in C that prints what getaddrinfo of its C library gives for a name, IPv4 addresses alone, one a line; it asks
 * for any family, as most programs do, so that A and AAAA are both asked for. It has no single quotes, so that a shell can be given each line in some.
 */
export const nameLookupInC = `#include <stdio.h>
#include <string.h>
#include <netdb.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
int main(int argc, char **argv) {
  struct addrinfo hints, *found;
  char text[64];
  memset(&hints, 0, sizeof hints);
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  int error = getaddrinfo(argv[1], 0, &hints, &found);
  if (error) { puts(gai_strerror(error)); return 1; }
  for (; found; found = found->ai_next)
    if (found->ai_family == AF_INET)
      puts(inet_ntop(AF_INET, &((struct sockaddr_in *)found->ai_addr)->sin_addr, text, sizeof text));
  return 0;
}`

/** What it is called in the image of the probes, linked with musl. */
export const muslLookup = 'meshmark-lookup-musl'
