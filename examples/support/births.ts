/** A forecast of a daily series: the data, the model, and what it must be better than. */
import {
  AdamW,
  type FitOptions,
  type ForecastData,
  GRU,
  type History,
  Linear,
  MSELoss,
  type NdArray,
  Reshape,
  Sequential,
  Trainer,
  cosineDecay,
  forecastData,
} from 'lanewise';

const batchSize = 32;

/** Errors in the units of the series. */
export interface Errors {
  readonly mae: number;
  readonly rmse: number;
}

/** Forecasts of the first column of a series [R, columns] from all of them. */
export class ForecastCourse {
  readonly data: ForecastData;
  readonly model: Sequential;
  readonly #trainer: Trainer;
  readonly #series: NdArray<Float32Array>;

  constructor(
    series: NdArray<Float32Array>,
    readonly steps: number,
    readonly epochs: number,
  ) {
    this.#series = series;
    this.data = forecastData(series, { steps, targets: [0] });
    this.model = new Sequential(
      { gru: new GRU(32, { returnSequences: false }), head: new Linear(1), ahead: new Reshape([1, 1]) },
      { seed: 7 },
    );
    const lr = cosineDecay(5e-3, { steps: epochs * Math.ceil(this.data.train.x.shape[0]! / batchSize) });
    this.#trainer = new Trainer(this.model, { loss: new MSELoss(), optimizer: new AdamW({ lr }), clipNorm: 1 });
  }

  fit(options: Pick<FitOptions, 'callbacks' | 'onProgress'> = {}): Promise<History> {
    const { train, validation } = this.data;
    return this.#trainer.fit(train, { ...options, epochs: this.epochs, batchSize, validation });
  }

  /** The model's errors on the validation rows. */
  async errors(): Promise<Errors> {
    const { validation, targetScale } = this.data;
    return errorsOf(targetScale.invert(await this.model.predict(validation.x)).data, this.#truth());
  }

  /** The errors of saying what was `back` rows before: 1 is persistence, 7 the same day of the week before. */
  baseline(back: number): Errors {
    const truth = this.#truth();
    const [rows, columns] = this.#series.shape as [number, number];
    const first = rows - truth.length;
    const said = Float32Array.from(truth, (_, i) => this.#series.data[(first + i - back) * columns]!);
    return errorsOf(said, truth);
  }

  #truth(): Float32Array {
    return this.data.targetScale.invert(this.data.validation.y).data;
  }
}

function errorsOf(said: Float32Array, truth: Float32Array): Errors {
  let [absolute, squared] = [0, 0];
  truth.forEach((value, i) => {
    const error = said[i]! - value;
    absolute += Math.abs(error) / truth.length;
    squared += error ** 2 / truth.length;
  });
  return { mae: absolute, rmse: Math.sqrt(squared) };
}
