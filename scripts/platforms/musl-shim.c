/* What a libstdc++ built for the GNU C library asks of it, and musl does not have. */
#include <stddef.h>

void *__dso_handle __attribute__((visibility("hidden"))) = 0;
char __libc_single_threaded = 0;

int getentropy(void *, size_t);

unsigned arc4random(void) {
  unsigned bits;
  getentropy(&bits, sizeof bits);
  return bits;
}

/* Not found: the unwinder then asks dl_iterate_phdr. */
int _dl_find_object(void *address, void *found) {
  (void)address;
  (void)found;
  return -1;
}

/* Of libgcc, whose archive hides it. */
int __popcountdi2(long bits) {
  int found = 0;
  for (unsigned long rest = (unsigned long)bits; rest != 0; rest &= rest - 1) found++;
  return found;
}
