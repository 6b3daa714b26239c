import { Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential } from 'lanewise';

/**
 * The convolutional net of the classic Keras example for MNIST.
 * x [N, 28, 28, 1] → scores [N, classes]; 1,199,882 parameters for 10 classes.
 *
 * @see https://keras.io/examples/vision/mnist_convnet/ (the net of its first versions)
 */
export function kerasConvnet({ classes = 10, seed = 0 } = {}): Sequential {
  return new Sequential(
    [
      new Conv2d(32, 3),
      new ReLU(),
      new Conv2d(64, 3),
      new ReLU(),
      new MaxPool2d(2),
      new Dropout(0.25),
      new Flatten(),
      new Linear(128),
      new ReLU(),
      new Dropout(0.5),
      new Linear(classes),
    ],
    { seed },
  );
}
