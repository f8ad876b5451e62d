"""reference.json: gradients and steps by other libraries, which the tests of gradient.rs and optimiser.rs
are held against.

    python3 -m venv reference
    reference/bin/pip install jax==0.10.2 optax==0.2.8
    reference/bin/python crates/train/src/reference/make.py
"""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import optax

jax.config.update("jax_enable_x64", True)
draw = np.random.default_rng(1)


def numbers(array):
    return [round(float(x), 9) for x in np.asarray(array).ravel()]


def rounded(*shape):
    return np.round(draw.normal(size=shape), 3)


sizes = [5, 4, 3, 3]
weights = [rounded(n, m) for m, n in zip(sizes, sizes[1:])]
biases = [np.abs(rounded(n)) for n in sizes[1:]]  # most units are on
inputs, labels = np.abs(rounded(6, sizes[0])), np.array([0, 1, 2, 2, 1, 0])


# Dropout: what is kept of each number that a layer is given, scaled up; 3/4 of the input, half above.
masks = [draw.integers(0, 4, (6, sizes[0])).clip(0, 1) * 4 / 3]
masks += [2.0 * draw.integers(0, 2, (6, n)) for n in sizes[1:-1]]


def loss(parameters, masks):
    h = inputs
    for layer, (weight, bias) in enumerate(parameters):
        h = (h * masks[layer]) @ weight.T + bias
        if layer + 1 < len(parameters):
            h = jax.nn.relu(h)
    return optax.softmax_cross_entropy_with_integer_labels(h, labels).mean()


parameters = list(zip(weights, biases))
arrays = [(jnp.array(w), jnp.array(b)) for w, b in parameters]
gradient = jax.grad(loss)(arrays, [1.0] * len(masks))
with_dropout = jax.grad(loss)(arrays, masks)

# Adam, from a start, on a sum of squares.
curvatures, targets = jnp.array([1.0, 10.0, 0.1]), jnp.array([1.0, -2.0, 0.5])
rule = optax.adam(0.05, b1=0.9, b2=0.999, eps=1e-8)
point = jnp.array([0.0, 0.0, 3.0])
state = rule.init(point)
path = []
for step in range(1, 101):
    slope = jax.grad(lambda p: jnp.sum(curvatures * (p - targets) ** 2))(point)
    update, state = rule.update(slope, state)
    point = optax.apply_updates(point, update)
    if step in (1, 10, 100):
        path.append([step, numbers(point)])

layers = [{"out": n, "in": m} for m, n in zip(sizes, sizes[1:])]
for at, layer in enumerate(layers):
    for name, net in (("plain", parameters), ("gradient", gradient), ("with_dropout", with_dropout)):
        layer[name] = {"weight": numbers(net[at][0]), "bias": numbers(net[at][1])}
    layer["mask"] = numbers(masks[at])
found = {
    "cross_entropy": {"layers": layers, "inputs": numbers(inputs), "labels": labels.tolist()},
    "adam": path,
}
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "reference.json"), "w") as file:
    file.write(json.dumps(found) + "\n")
