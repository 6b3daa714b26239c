import { Dropout, Embedding, GELU, Layer, LayerNorm, Linear, MultiHeadAttention, PositionEmbedding, type Scope, Sequential, type Tensor, add } from 'lanewise'; // prettier-ignore

export interface GptOptions {
  readonly seed?: number;
  /** Most tokens that one looks back on. Default: 64. */
  readonly context?: number;
  /** Features of a token. Default: 128. */
  readonly width?: number;
  /** Default: 4. */
  readonly heads?: number;
  /** Default: 4. */
  readonly blocks?: number;
  /** Share of the outputs zeroed in training. Default: 0. */
  readonly dropout?: number;
}

/** What attention and two layers make of x, each added to it. x [N, T, C] → y [N, T, C] */
class Block extends Layer {
  readonly attention: Layer;
  readonly network: Layer;

  constructor({ context, width, heads, dropout }: Required<Omit<GptOptions, 'seed' | 'blocks'>>) {
    super();
    const looking = new MultiHeadAttention(heads, { causal: true, context, dropout });
    this.attention = new Sequential({ norm: new LayerNorm(), attend: looking, drop: new Dropout(dropout) });
    this.network = new Sequential({
      norm: new LayerNorm(),
      widen: new Linear(4 * width),
      bend: new GELU(),
      narrow: new Linear(width),
      drop: new Dropout(dropout),
    });
  }

  forward(x: Tensor, scope: Scope): Tensor {
    const attended = add(x, scope.call('attention', this.attention, x));
    return add(attended, scope.call('network', this.network, attended));
  }
}

/**
 * Language model of attention: ids [N, T] → logits of the next token [N, T, V].
 * @see Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training"; the norms come first, as in GPT-2
 */
export function gpt(
  vocabularySize: number,
  { seed = 0, context = 64, width = 128, heads = 4, blocks = 4, dropout = 0 }: GptOptions = {},
): Sequential {
  const block = (): Block => new Block({ context, width, heads, dropout });
  return new Sequential(
    {
      tokens: new Embedding(vocabularySize, width),
      places: new PositionEmbedding(context),
      blocks: new Sequential(Array.from({ length: blocks }, block)),
      norm: new LayerNorm(),
      head: new Linear(vocabularySize),
    },
    { seed },
  );
}
