/** One line of an accuracy report. */
export interface Finding {
  readonly what: string;
  readonly value: string;
  readonly target: string;
  readonly met: boolean;
}
