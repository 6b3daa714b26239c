import { SingleBar } from 'cli-progress';
import { Callback, type EpochRecord, type Progress } from 'lanewise';

/** A bar for each epoch, with the loss as it falls; a line for each when the output is not a terminal. */
export class ProgressBar extends Callback {
  readonly #epochs: number;
  #bar: SingleBar | undefined;

  constructor(epochs: number) {
    super();
    this.#epochs = epochs;
  }

  readonly onProgress = ({ epoch, step, steps, loss }: Progress): void => {
    if (!process.stdout.isTTY) return;
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        format: `epoch ${epoch}/${this.#epochs} {bar} {value}/{total} loss {loss}`,
        hideCursor: true,
        clearOnComplete: true,
      });
      this.#bar.start(steps ?? 0, 0, { loss: '' });
    }
    this.#bar.update(step, { loss: loss.toFixed(4) });
  };

  override onEpoch({ epoch, loss, metrics, seconds }: EpochRecord): void {
    this.#bar?.stop();
    this.#bar = undefined;
    const rest = Object.entries(metrics).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    console.log(`epoch ${epoch}/${this.#epochs}  loss ${loss.toFixed(4)}  ${rest.join('  ')}  ${seconds.toFixed(2)} s`);
  }
}

export function progressBar(epochs: number): ProgressBar {
  return new ProgressBar(epochs);
}
