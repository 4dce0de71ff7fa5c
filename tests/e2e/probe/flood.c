/*
 * Sends malformed VRRPv3 advertisements for the fault tests: flood ADDRESS VRID VIP PER_KIND, from the host's own address ADDRESS.
 * PER_KIND packets of each kind below, to 224.0.0.18, paced so that no receiver's buffer overflows.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define IPPROTO_VRRP 112
#define PACKET_BYTES 12
#define PACE_US 100

enum kind { CHECKSUM, TRUNCATED, COUNT_TOO_BIG, TYPE, VERSION, TTL, VRID, NO_ADDRESS, RANDOM, EMPTY, KINDS };

static uint16_t sum16(const uint8_t *data, size_t size, uint32_t sum) {
  for (size_t i = 0; i + 1 < size; i += 2) sum += (uint32_t)(data[i] << 8 | data[i + 1]);
  if (size % 2 == 1) sum += (uint32_t)data[size - 1] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)sum;
}

/* RFC 5798 checksum with the IPv4 pseudo header. */
static void seal(uint8_t *packet, size_t size, in_addr_t source) {
  uint8_t pseudo[12];
  in_addr_t group = inet_addr("224.0.0.18");
  memcpy(pseudo, &source, 4);
  memcpy(pseudo + 4, &group, 4);
  pseudo[8] = 0;
  pseudo[9] = IPPROTO_VRRP;
  pseudo[10] = (uint8_t)(size >> 8);
  pseudo[11] = (uint8_t)size;
  packet[6] = packet[7] = 0;
  uint16_t checksum = (uint16_t)~sum16(packet, size, sum16(pseudo, sizeof pseudo, 0));
  packet[6] = (uint8_t)(checksum >> 8);
  packet[7] = (uint8_t)checksum;
}

/* Fills the packet with an advertisement that would win the election but for one fault; returns its size. */
static size_t build(enum kind kind, uint8_t *packet, uint8_t vrid, in_addr_t source, in_addr_t vip) {
  const uint8_t head[8] = {0x31, vrid, 250, 1, 0, 100, 0, 0};
  size_t size = PACKET_BYTES;
  memcpy(packet, head, sizeof head);
  memcpy(packet + 8, &vip, 4);
  if (kind == COUNT_TOO_BIG) packet[3] = 20;
  if (kind == TYPE) packet[0] = 0x32;
  if (kind == VERSION) packet[0] = 0x41;
  if (kind == VRID) packet[1] = (uint8_t)(vrid + 1);
  if (kind == NO_ADDRESS) {
    packet[3] = 0;
    size = 8;
  }
  if (kind == TRUNCATED) size = 1 + (size_t)rand() % 7;
  if (kind == EMPTY) size = 0;
  if (size >= 8) seal(packet, size, source);
  if (kind == CHECKSUM) packet[6] ^= 0x5a;
  if (kind == RANDOM) {
    for (size_t i = 0; i < PACKET_BYTES; i++) packet[i] = (uint8_t)rand();
    packet[0] = 0x31;
    packet[1] = vrid;
    packet[3] = 1;
    seal(packet, size, source);
    packet[7] ^= 1;
  }
  return size;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: flood ADDRESS VRID VIP PER_KIND\n");
    return 2;
  }
  in_addr_t source = inet_addr(argv[1]), vip = inet_addr(argv[3]);
  uint8_t vrid = (uint8_t)atoi(argv[2]);
  int per_kind = atoi(argv[4]);
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_VRRP);
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = source};
  struct sockaddr_in group = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("224.0.0.18")};
  struct in_addr interface = {.s_addr = source};
  if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) < 0) {
    perror("socket");
    return 1;
  }
  setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface);
  srand(1);
  for (int i = 0; i < per_kind * KINDS; i++) {
    enum kind kind = (enum kind)(i % KINDS);
    uint8_t packet[64] = {0};
    int ttl = kind == TTL ? 254 : 255;
    size_t size = build(kind, packet, vrid, source, vip);
    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl);
    if (sendto(fd, packet, size, 0, (struct sockaddr *)&group, sizeof group) < 0) {
      perror("sendto");
      return 1;
    }
    usleep(PACE_US);
  }
  return 0;
}
