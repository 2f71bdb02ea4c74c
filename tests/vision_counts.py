"""Parameter counts of image models, from their architectures as the papers draw them (1000 classes)."""

CLASSES = 1000


def conv(inputs, outputs, size, groups=1, bias=False):
    return inputs // groups * outputs * size * size + bias * outputs


def norm(width):
    return 2 * width


def linear(inputs, outputs):
    return inputs * outputs + outputs


def resnet(blocks, bottleneck):
    total, inputs = conv(3, 64, 7) + norm(64), 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        outputs = width * 4 if bottleneck else width
        for block in range(count):
            if bottleneck:
                total += conv(inputs, width, 1) + conv(width, width, 3) + conv(width, outputs, 1)
                total += 2 * norm(width) + norm(outputs)
            else:
                total += conv(inputs, width, 3) + conv(width, width, 3) + 2 * norm(width)
            if block == 0 and inputs != outputs:
                total += conv(inputs, outputs, 1) + norm(outputs)
            inputs = outputs
    return total + linear(inputs, CLASSES)


def vgg16():
    total, inputs = 0, 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            total += conv(inputs, width, 3, bias=True)
            inputs = width
    return total + linear(512 * 7 * 7, 4096) + linear(4096, 4096) + linear(4096, CLASSES)


def densenet121():
    growth, width = 32, 64
    total = conv(3, width, 7) + norm(width)
    for stage, count in enumerate((6, 12, 24, 16)):
        for _ in range(count):
            total += norm(width) + conv(width, 4 * growth, 1) + norm(4 * growth) + conv(4 * growth, growth, 3)
            width += growth
        if stage < 3:
            total += norm(width) + conv(width, width // 2, 1)
            width //= 2
    return total + norm(width) + linear(width, CLASSES)


def mobilenet_v2():
    stages = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))
    total, inputs = conv(3, 32, 3) + norm(32), 32
    for expansion, outputs, count in stages:
        for _ in range(count):
            hidden = inputs * expansion
            if expansion > 1:
                total += conv(inputs, hidden, 1) + norm(hidden)
            total += conv(hidden, hidden, 3, groups=hidden) + norm(hidden)
            total += conv(hidden, outputs, 1) + norm(outputs)
            inputs = outputs
    return total + conv(inputs, 1280, 1) + norm(1280) + linear(1280, CLASSES)


def vit_b_16():
    hidden, patches = 768, (224 // 16) ** 2
    layer = linear(hidden, 3 * hidden) + linear(hidden, hidden) + 2 * norm(hidden)
    layer += linear(hidden, 4 * hidden) + linear(4 * hidden, hidden)
    tokens = hidden + (patches + 1) * hidden
    return conv(3, hidden, 16, bias=True) + tokens + 12 * layer + norm(hidden) + linear(hidden, CLASSES)


COUNTS = {
    "ResNet18": resnet((2, 2, 2, 2), bottleneck=False),
    "ResNet34": resnet((3, 4, 6, 3), bottleneck=False),
    "ResNet50": resnet((3, 4, 6, 3), bottleneck=True),
    "ResNet101": resnet((3, 4, 23, 3), bottleneck=True),
    "ResNet152": resnet((3, 8, 36, 3), bottleneck=True),
    "VGG16": vgg16(),
    "DenseNet121": densenet121(),
    "MobileNetV2": mobilenet_v2(),
    "ViT_B_16": vit_b_16(),
}
