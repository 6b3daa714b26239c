/* What a libstdc++ built for the GNU C library asks of it, and musl does not have. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

void *__dso_handle __attribute__((visibility("hidden"))) = 0;
char __libc_single_threaded = 0;

int getentropy(void *, size_t);

unsigned arc4random(void) {
  unsigned bits;
  getentropy(&bits, sizeof bits);
  return bits;
}

struct search {
  char *address;
  struct dl_find_object *found;
};

static int look_into(struct dl_phdr_info *library, size_t size, void *data) {
  struct search *search = data;
  char *base = (char *)library->dlpi_addr;
  int inside = 0;
  (void)size;
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const ElfW(Phdr) *part = &library->dlpi_phdr[i];
    char *begin = base + part->p_vaddr, *end = begin + part->p_memsz;
    if (part->p_type == PT_LOAD && search->address >= begin && search->address < end) {
      inside = 1;
      search->found->dlfo_map_start = begin;
      search->found->dlfo_map_end = end;
    }
    if (part->p_type == PT_GNU_EH_FRAME) search->found->dlfo_eh_frame = begin;
  }
  return inside;
}

/* Where the unwinder finds what exceptions need of the library that holds `address`. */
int _dl_find_object(void *address, struct dl_find_object *found) {
  struct search search = {address, found};
  return dl_iterate_phdr(look_into, &search) == 1 ? 0 : -1;
}

/* Of libgcc, whose archives hide what its library exports. */
int __popcountdi2(long bits) {
  int found = 0;
  for (unsigned long rest = (unsigned long)bits; rest != 0; rest &= rest - 1) found++;
  return found;
}
__asm__(".globl _Unwind_Resume\n_Unwind_Resume: jmp hidden_Unwind_Resume");
