"""Minimax coefficients of native/kernels/math.h.

    python3 scripts/minimax/minimax.py            # every fit
    python3 scripts/minimax/minimax.py exp log    # some

Each fit is a Remez exchange on the weighted error |w(x) (f(x) - p(x))|, where w makes it the relative error of the
function that the kernel returns. Coefficients are rounded to float from the lowest order up and the rest is fitted
again after each, so that the printed error is that of the floats, not of the reals. Needs mpmath and numpy.
"""
import sys

import mpmath as mp
import numpy as np

mp.mp.dps = 50
GRID = 3000


def chebyshev_grid(low, high, count):
    return (low + high) / 2 - (high - low) / 2 * np.cos(np.linspace(0, np.pi, count))


def sample(function, xs):
    return np.array([float(function(mp.mpf(float(x)))) for x in xs])


def alternation(error, count):
    """Indices of `count` alternating extrema of the sampled error, the largest ones."""
    runs, start = [], 0
    for i in range(1, len(error) + 1):
        if i == len(error) or (error[i] > 0) != (error[start] > 0):
            runs.append(start + int(np.argmax(np.abs(error[start:i]))))
            start = i
    while len(runs) > count:
        drop = 0 if abs(error[runs[0]]) < abs(error[runs[-1]]) else -1
        if len(runs) > count + 1:  # drop the weakest neighbouring pair where that is the smaller loss
            pair = min(range(len(runs) - 1), key=lambda i: max(abs(error[runs[i]]), abs(error[runs[i + 1]])))
            if max(abs(error[runs[pair]]), abs(error[runs[pair + 1]])) < abs(error[runs[drop]]):
                del runs[pair:pair + 2]
                continue
        del runs[drop]
    return runs if len(runs) == count else None


def remez(xs, target, weight, basis):
    """Coefficients c of sum c_i basis_i minimising max |weight (target - sum)| on the grid xs."""
    terms = len(basis)
    table = np.stack(basis, axis=1)
    points = np.linspace(0, len(xs) - 1, terms + 1).astype(int)
    best, best_error = None, np.inf
    for _ in range(60):
        signs = (-1.0) ** np.arange(terms + 1)
        system = np.hstack([table[points], (signs / weight[points])[:, None]])
        solution = np.linalg.solve(system, target[points])
        error = weight * (target - table @ solution[:-1])
        worst = np.max(np.abs(error))
        if worst < best_error:
            best, best_error = solution[:-1], worst
        if worst <= abs(solution[-1]) * 1.0001:
            break
        points = alternation(error, terms + 1)
        if points is None:
            break
    return best, best_error


def polynomial(name, f, weight, low, high, degree, variable=lambda x: x, fixed=()):
    """f(x) ~ sum c_i v^i, v = variable(x); `fixed` are leading coefficients given beforehand."""
    xs = chebyshev_grid(low, high, GRID)
    xs = xs[np.abs(xs) > 1e-6 * (high - low)]
    target, w = sample(f, xs), np.abs(sample(weight, xs))
    v = variable(xs)
    powers = [v**i for i in range(degree + 1)]
    done = [np.float32(c) for c in fixed]
    while len(done) <= degree:
        rest = target - sum((float(c) * p for c, p in zip(done, powers)), np.zeros_like(xs))
        free, error = remez(xs, rest, w, powers[len(done):])
        done.append(np.float32(free[0]))
    final = np.max(np.abs(w * (target - sum(float(c) * p for c, p in zip(done, powers)))))
    show(name, done, final)


def show(name, coefficients, error):
    print(f'{name}: error 2^{np.log2(error):.2f}')
    for i, c in enumerate(coefficients):
        print(f'  c{i} = {float(c).hex().replace("0000000p", "p")}f  // {float(c):.9g}')


def split(name, value, bits):
    """value as parts of the given numbers of significant bits, the last of 24."""
    rest = mp.mpf(value)
    for i, b in enumerate([*bits, 24]):
        unit = mp.mpf(2) ** (mp.floor(mp.log(abs(rest), 2)) + 1 - b)
        part = mp.nint(rest / unit) * unit
        print(f'  {name}{i} = {float(part).hex()}f')
        rest -= part


HALF_LN2 = float(mp.log(2) / 2) * 1.0005
SQRT2 = float(mp.sqrt(2))


def fit_exp():
    # exp(r) - 1 = r + r^2 q(r); the weight of expm1 is the stricter one, so exp shares q.
    polynomial('exp q', lambda r: (mp.expm1(r) - r) / r**2, lambda r: r**2 / mp.expm1(r), -HALF_LN2, HALF_LN2, 4, fixed=(0.5,))
    print('ln 2')
    split('ln2_', mp.log(2), [15])


def fit_log():
    # log(1 + f) = f - f^2 / 2 + f^3 q(f)
    polynomial('log q', lambda f: (mp.log1p(f) - f + f**2 / 2) / f**3, lambda f: f**3 / mp.log1p(f), SQRT2 / 2 - 1, SQRT2 - 1, 8)


def fit_erf():
    # erf(x) = x + x p(x^2) near zero; log(erfc(x)) = p(x) beyond, where erf = 1 - exp(p) makes the weight erfc / erf.
    polynomial('erf near', lambda x: mp.erf(x) / x - 1, lambda x: x / mp.erf(x), 0, 1, 6, variable=lambda x: x * x)
    polynomial('erf far', lambda x: mp.log(mp.erfc(x)), lambda x: mp.erfc(x) / mp.erf(x), 1, 4, 7)


def fit_sin():
    quarter = float(mp.pi / 4) * 1.0005
    polynomial('sin', lambda r: (mp.sin(r) - r) / r**3, lambda r: r**3 / mp.sin(r), 0, quarter, 2, variable=lambda x: x * x)
    polynomial('cos', lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4, lambda r: r**4 / mp.cos(r), 0, quarter, 2, variable=lambda x: x * x)
    print('pi / 2, with and without FMA')
    split('half_pi_', mp.pi / 2, [24, 24])
    split('half_pi_short_', mp.pi / 2, [11, 11, 11])


def fit_pow():
    # log2(m) = (2 / ln 2) (s + s^3 / 3 + s^5 p(s^2)), s = (m - 1) / (m + 1); 2^f = 1 + f q(f)
    top = 1 / (3 + 2 * SQRT2) * 1.001
    polynomial('pow log', lambda s: (mp.atanh(s) - s - s**3 / 3) / s**5, lambda s: s**5 / mp.atanh(s), 0, top, 3, variable=lambda x: x * x)
    polynomial('pow exp2', lambda f: (2**f - 1) / f, lambda f: f / 2**f, -0.5005, 0.5005, 6)
    print('1 / 3, 2 / ln 2')
    split('third_', mp.mpf(1) / 3, [24])
    split('two_over_ln2_', 2 / mp.log(2), [24])


FITS = {'exp': fit_exp, 'log': fit_log, 'erf': fit_erf, 'sin': fit_sin, 'pow': fit_pow}

if __name__ == '__main__':
    for fit in sys.argv[1:] or FITS:
        FITS[fit]()
