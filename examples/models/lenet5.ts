import { Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential } from 'lanewise';

/**
 * LeNet-5 as it is built today: every map of the second convolution sees all of the first, maxima instead of means, ReLU.
 * x [N, 28, 28, 1] → scores [N, classes]; 61,706 parameters for 10 classes.
 *
 * @see LeCun et al. 1998, http://yann.lecun.com/exdb/publis/pdf/lecun-98.pdf
 */
export function lenet5({ classes = 10, seed = 0 } = {}): Sequential {
  return new Sequential(
    [
      new Conv2d(6, 5, { padding: 2 }),
      new ReLU(),
      new MaxPool2d(2),
      new Conv2d(16, 5),
      new ReLU(),
      new MaxPool2d(2),
      new Flatten(),
      new Linear(120),
      new ReLU(),
      new Linear(84),
      new ReLU(),
      new Linear(classes),
    ],
    { seed },
  );
}
