import { SingleBar } from 'cli-progress';
import { Callback, type EpochRecord, type Progress } from 'lanewise';

/**
 * A bar for each epoch, with the loss as it falls; a line for each when the output is not a terminal. It changes no setting of the terminal,
 * which Ctrl-C would leave changed; in a narrow one the bar is shorter.
 */
export class ProgressBar extends Callback {
  #epochs = 0;
  #bar: SingleBar | undefined;

  readonly onProgress = ({ epoch, epochs, step, steps, loss }: Progress): void => {
    this.#epochs = epochs;
    if (!process.stdout.isTTY) return;
    if (this.#bar === undefined) {
      this.#bar = new SingleBar({
        format: `epoch ${epoch}/${epochs}  loss {loss}  {value}/{total} {bar}`,
        barsize: Math.max(0, Math.min(40, process.stdout.columns - 36)),
        linewrap: true,
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
