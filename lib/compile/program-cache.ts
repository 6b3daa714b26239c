/** Where compiled programs are kept for what comes in the same shapes again. */
import { type Kept, LruCache } from '../lru-cache.js';
import type { Program } from './program.js';

/** Programs kept, and more while all of them take no more than so many bytes. */
const maxPrograms = 16;
const room = 2 ** 26;
/** For arenas: sizes that take turns and do not fit make them anew, which takes them two to three times as long. */
const arenaRoom = 2 ** 28;

/**
 * The programs used last, all of them compiled; what those unused for longest have for an arena is given back where there is no room.
 * @param of default: the program alone
 */
export function programCache<T extends { readonly program: Program }>(of = ({ program }: T): Kept => program): LruCache<T> {
  return new LruCache<T>(maxPrograms, { bytes: room, memoryBytes: arenaRoom, of });
}
