// The delay that this machine gives an event loop with nothing to do.
import { delayP99 } from './delay.js';
import { serve } from './serve.js';

await serve(() => ({ time: delayP99 }));
