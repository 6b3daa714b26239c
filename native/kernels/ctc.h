// Connectionist temporal classification: −ln of the probability of a row of labels, over all ways to spread them over the frames.
//
// Row n has S' labels, those before the first −1, and frames[n] of the T frames. Its states are blank, label, blank, label, …, blank: L =
// 2·S' + 1.
//   forward:  a_0[s] = logp_0[s] for s < 2,  a_t[s] = logp_t[s] + ln(e^a_{t−1}[s] + e^a_{t−1}[s−1] + e^a_{t−1}[s−2]), the last only between
//             different labels;  loss = −ln(e^a_T[L−1] + e^a_T[L−2]), +∞ where there are too few frames
//   backward: dlogp_t[c] = −dloss · Σ P(state s in frame t) over the states of class c; zeros past the frames and where the loss is
//   infinite
// Each frame of a is shifted so that its largest value is 0; the shifts are added up in double precision. So the error of a loss is that of
// its frames: some 8 · 2^-24 each. Sums by lanes.h, over classes in order of s; a task is a row.
// Returns the flat position in `ids` of the first label that is no class, is the blank or follows a −1. Labels are read once.
// Graves et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf, §4.
#pragma once

#include <string.h>

#include "args.h"
#include "lanes.h"
#include "rows.h"
#include "softmax.h"

namespace lanewise::LW_ISA {
namespace {

// Stands for ln 0 where two of them must not make a NaN; what comes near it after some frames is taken for it.
constexpr float kUnseen = -1e30f;
constexpr float kNearlyUnseen = -1e29f;

// Of a row: the class of each state, and 0 or kUnseen for the step to it from the label before. Two spare values before and a vector
// behind.
struct CtcRow {
  int64_t states, frames;
  int32_t* classes;
  float *skip, *emitted, *now, *before;
};

constexpr int64_t kCtcSpare = 2 + 2 * 16;
static_assert(5 * (2 * kMaxCtcLabels + 1 + kCtcSpare) * sizeof(float) <= kScratchBytes);

// @returns the position in `ids` of a bad label, or kOk; the row has no labels then
LW_INLINE int64_t ctc_row(const CtcShape& shape, const int32_t* ids, const int32_t* frames, int64_t n, void* scratch, CtcRow* row) {
  const int64_t pitch = 2 * shape.labels + 1 + kCtcSpare;
  row->classes = static_cast<int32_t*>(scratch);
  row->skip = static_cast<float*>(scratch) + pitch;
  row->emitted = row->skip + pitch;
  row->now = row->emitted + pitch;
  row->before = row->now + pitch;
  const int64_t length = static_cast<const volatile int32_t*>(frames)[n];
  row->frames = length < 0 ? 0 : smaller(length, shape.t);
  const volatile int32_t* shared = ids + n * shape.labels;
  int64_t count = 0, bad = kOk;
  bool ended = false;
  for (int64_t i = 0; i < shape.labels; ++i) {
    const int32_t label = shared[i];
    if (label == -1) {
      ended = true;
    } else if (label < 0 || label >= shape.classes || label == shape.blank || ended) {
      bad = n * shape.labels + i;
      count = 0;
      break;
    } else {
      row->classes[2 * i + 1] = label;
      ++count;
    }
  }
  row->states = 2 * count + 1;
  for (int64_t s = 0; s < pitch; ++s) {
    const bool is_label = s % 2 == 1;
    if (!is_label || s >= row->states) row->classes[s] = shape.blank;
    row->skip[s] = is_label && s >= 3 && s < row->states && row->classes[s] != row->classes[s - 2] ? 0.0f : kUnseen;
    row->emitted[s] = row->now[s] = row->before[s] = kUnseen;
  }
  return bad;
}

LW_INLINE void ctc_emit(const CtcRow& row, const float* logp) {
  for (int64_t s = 0; s < row.states; ++s) {
    const float x = logp[row.classes[s]];
    row.emitted[s] = x < kUnseen ? kUnseen : x;  // a NaN stays
  }
}

// ln(e^a + e^b + e^c)
LW_INLINE F32 ctc_sum(F32 a, F32 b, F32 c) {
  const F32 m = maximum(maximum(a, b), c);
  return add(m, log(add(add(exp_nonpositive(sub(a, m)), exp_nonpositive(sub(b, m))), exp_nonpositive(sub(c, m)))));
}

// Makes the largest value 0. @returns what it was
LW_INLINE float ctc_shift(float* values, int64_t n) {
  const float max = fold_row<MaxFold>(n, ReadRow{values});
  const F32 shift = set1(max);
  map_row(
      values, n, values, [&](F32 x) __attribute__((always_inline)) { return sub(x, shift); });
  return max;
}

int64_t ctc_tasks(const CtcArgs& args) { return args.shape.n; }

int64_t ctc(const CtcArgs& args, int64_t begin, int64_t end, void* scratch) {
  const CtcShape& shape = args.shape;
  const int64_t width = 2 * shape.labels + 1;
  int64_t bad = kOk;
  for (int64_t n = begin; n < end; ++n) {
    CtcRow row;
    const int64_t wrong = ctc_row(shape, args.ids, args.frames, n, scratch, &row);
    if (bad == kOk) bad = wrong;
    const int64_t frames = row.frames, states = row.states;
    float* alpha = args.alpha + n * shape.t * width;
    double total = 0.0;
    float *now = row.now + 2, *before = row.before + 2;
    for (int64_t t = 0; t < frames; ++t) {
      ctc_emit(row, args.logp + (n * shape.t + t) * shape.classes);
      if (t == 0) {
        for (int64_t s = 0; s < states; ++s) now[s] = s < 2 ? row.emitted[s] : kUnseen;
      } else {
        for (int64_t s = 0; s < states; s += kLanes) {
          const F32 skipped = add(load(before + s - 2), load(row.skip + s));
          store(now + s, add(ctc_sum(load(before + s), load(before + s - 1), skipped), load(row.emitted + s)));
        }
      }
      total += static_cast<double>(ctc_shift(now, states));
      memcpy(alpha + t * width, now, static_cast<size_t>(states) * sizeof(float));
      clear_row(width - states, alpha + t * width + states);
      float* const last = before;
      before = now;
      now = last;
    }
    clear_row((shape.t - frames) * width, alpha + frames * width);
    float loss = states == 1 && frames == 0 ? 0.0f : kInfinity;
    if (frames > 0) {
      alignas(64) float last[kLanes];
      store(last, ctc_sum(set1(before[states - 1]), set1(states > 1 ? before[states - 2] : kUnseen), set1(kUnseen)));
      const float value = static_cast<float>(0.0 - total - static_cast<double>(last[0]));
      loss = value > -kNearlyUnseen ? kInfinity : value;
    }
    args.loss[n] = loss;
  }
  return bad;
}

int64_t ctc_backward_tasks(const CtcBackwardArgs& args) { return args.shape.n; }

int64_t ctc_backward(const CtcBackwardArgs& args, int64_t begin, int64_t end, void* scratch) {
  const CtcShape& shape = args.shape;
  const int64_t width = 2 * shape.labels + 1;
  int64_t bad = kOk;
  for (int64_t n = begin; n < end; ++n) {
    CtcRow row;
    const int64_t wrong = ctc_row(shape, args.ids, args.frames, n, scratch, &row);
    if (bad == kOk) bad = wrong;
    const int64_t frames = row.frames, states = row.states;
    float* dlogp = args.dlogp + n * shape.t * shape.classes;
    clear_row(shape.t * shape.classes, dlogp);
    if (wrong != kOk || args.loss[n] == kInfinity) continue;
    const float* alpha = args.alpha + n * shape.t * width;
    const float dloss = args.dloss[n];
    // after[s]: of all that comes after frame t in state s, and then with the emission of that frame: what a state before sees.
    float *after = row.now, *emitting = row.before;
    for (int64_t t = frames - 1; t >= 0; --t) {
      if (t == frames - 1) {
        for (int64_t s = 0; s < states; ++s) after[s] = s >= states - 2 ? 0.0f : kUnseen;
      } else {
        for (int64_t s = 0; s < states; s += kLanes) {
          const F32 skipped = add(load(emitting + s + 2), load(row.skip + s + 2));
          store(after + s, ctc_sum(load(emitting + s), load(emitting + s + 1), skipped));
        }
        ctc_shift(after, states);
      }
      ctc_emit(row, args.logp + (n * shape.t + t) * shape.classes);
      for (int64_t s = 0; s < states; s += kLanes) {
        store(emitting + s, add(load(after + s), load(row.emitted + s)));
        store(row.emitted + s, add(load(after + s), load_n(alpha + t * width + s, static_cast<int>(smaller(states - s, kLanes)))));
      }
      emitting[states] = emitting[states + 1] = kUnseen;
      softmax_row(row.emitted, states, row.emitted);
      float* d = dlogp + t * shape.classes;
      for (int64_t s = 0; s < states; ++s) d[row.classes[s]] -= row.emitted[s] * dloss;
    }
  }
  return bad;
}

}  // namespace
}  // namespace lanewise::LW_ISA
