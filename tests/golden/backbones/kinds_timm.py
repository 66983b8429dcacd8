"""Goldens of the files that timm reads: its own, DeiT's, Google's .npz, MAE's and DINOv2's first form."""
import functools

import numpy
import safetensors.torch
import timm
import torch
from timm.layers import SwiGLUPacked
from timm.models.deit import VisionTransformerDistilled
from timm.models.vision_transformer import VisionTransformer, checkpoint_filter_fn

import resampling
from reference import Golden, generator, random_value, randomise, resampling_matters, save_numpy_archive, sizes

TIMM = f"timm {timm.__version__}, torch {torch.__version__.split('+')[0]}"
CLASSES = 5


def build(config, kind=VisionTransformer, **fields):
    """timm's network of these sizes. timm states the width of a packed gated MLP with both halves."""
    ratio = config["mlp"] * (2 if config["gated_mlp"] else 1) / config["dim"]
    if config["gated_mlp"]:
        fields.update(mlp_layer=SwiGLUPacked, act_layer=torch.nn.SiLU)
    if config["layer_scale"]:
        fields.update(init_values=1e-5)
    if config["registers"]:
        fields.update(reg_tokens=config["registers"], no_embed_class=True)
    fields.setdefault("img_size", config["image"])
    fields.setdefault("num_classes", CLASSES)
    return kind(patch_size=config["patch"], embed_dim=config["dim"], depth=config["depth"], num_heads=config["heads"], mlp_ratio=ratio,
                norm_layer=functools.partial(torch.nn.LayerNorm, eps=config["norm_eps"]), **fields).eval()


def blocks(model):
    return list(model.blocks)


def forward_of(model):
    return lambda images: {"feature": model.forward_features(images)[:, 0]}


def at_both_sizes(golden, small, large, seed):
    for prefix, model, offset in (("small", small, 1), ("large", large, 2)):
        golden.add(prefix, model, blocks, forward_of(model), seed + offset)


def patch_rows(model, config):
    """(G * G, D) f32: the stored positions without those of class and distillation token."""
    grid = model.patch_embed.grid_size
    return model.pos_embed.detach().float()[0, -grid[0] * grid[1]:]


def loaded(state, config, kind=VisionTransformer, **fields):
    """A network of another size from the same tensors, by timm's own filter, strictly."""
    model = build(config, kind, **fields)
    model.load_state_dict(checkpoint_filter_fn(dict(state), model), strict=True)
    return model


def larger(state, config, kind=VisionTransformer, **fields):
    return loaded(state, config, kind, img_size=config["large"], **fields)


def finish(golden, small, large, files, settings, ignored):
    matters = resampling_matters(golden.folder.name, patch_rows(small, golden.config), patch_rows(large, golden.config))
    golden.write()
    return dict(golden=golden, files=files, set=settings, ignored=sorted(ignored), changed=matters)


def heads_of(config):
    return {"heads": config["heads"]}


def timm_vit(folder, seed):
    config = sizes(image=12, large=20, patch=4)
    small = randomise(build(config), seed)
    state = small.state_dict()
    golden = Golden(folder, config, TIMM, "timm", "bicubic-antialias")
    safetensors.torch.save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    large = larger(state, config)
    dynamic = loaded(state, config, dynamic_img_size=True)
    images = torch.randn(1, 3, config["large"], config["large"], generator=generator(seed))
    with torch.no_grad():  # timm's two ways to another size are one
        torch.testing.assert_close(dynamic.forward_features(images), large.forward_features(images), rtol=0, atol=1e-6)
    at_both_sizes(golden, small, large, seed)
    return finish(golden, small, large, ["model.safetensors", "legacy.pth"], heads_of(config), ["head.weight", "head.bias"])


def timm_deit_distilled(folder, seed):
    config = sizes(image=12, large=20, patch=4, distilled=True)
    small = randomise(build(config, VisionTransformerDistilled), seed)
    state = small.state_dict()
    golden = Golden(folder, config, TIMM, "timm", "bicubic-antialias")
    torch.save({"model": state}, folder / "model.pth")
    large = larger(state, config, VisionTransformerDistilled)
    at_both_sizes(golden, small, large, seed)
    heads = ["head.weight", "head.bias", "head_dist.weight", "head_dist.bias"]
    return finish(golden, small, large, ["model.pth"], heads_of(config), heads)


def google_tensors(config, seed):
    """Every array of a published .npz: kernels are (in, out), attention's are split by head, the patch kernel is HWIO."""
    dim, mlp, heads, patch = config["dim"], config["mlp"], config["heads"], config["patch"]
    random = generator(seed)
    tensors = {}

    def linear(name, fan_in, shape, bias):
        tensors[f"{name}/kernel"] = 1.3 / fan_in**0.5 * torch.randn(shape, generator=random)
        tensors[f"{name}/bias"] = 0.2 * torch.randn(bias, generator=random)

    def norm(name):
        tensors[f"{name}/scale"] = 0.5 + torch.rand(dim, generator=random)
        tensors[f"{name}/bias"] = 0.2 * torch.randn(dim, generator=random)

    linear("embedding", 3 * patch * patch, (patch, patch, 3, dim), (dim,))
    tensors["cls"] = 0.5 * torch.randn(1, 1, dim, generator=random)
    tensors["Transformer/posembed_input/pos_embedding"] = 0.5 * torch.randn(1, (config["image"] // patch) ** 2 + 1, dim, generator=random)
    for block in range(config["depth"]):
        name = f"Transformer/encoderblock_{block}"
        norm(f"{name}/LayerNorm_0")
        norm(f"{name}/LayerNorm_2")
        for part in ("query", "key", "value"):
            linear(f"{name}/MultiHeadDotProductAttention_1/{part}", dim, (dim, heads, dim // heads), (heads, dim // heads))
        linear(f"{name}/MultiHeadDotProductAttention_1/out", dim, (heads, dim // heads, dim), (dim,))
        linear(f"{name}/MlpBlock_3/Dense_0", dim, (dim, mlp), (mlp,))
        linear(f"{name}/MlpBlock_3/Dense_1", mlp, (mlp, dim), (dim,))
    norm("Transformer/encoder_norm")
    linear("pre_logits", dim, (dim, dim), (dim,))
    linear("head", dim, (dim, CLASSES), (CLASSES,))
    return tensors


def google_npz(folder, seed):
    config = sizes(image=12, large=20, patch=4)
    golden = Golden(folder, config, TIMM, "google-npz", "bilinear")
    save_numpy_archive(folder / "model.npz", google_tensors(config, seed))
    small, large = build(config), build(config, img_size=config["large"])
    for model in (small, large):
        model.load_pretrained(str(folder / "model.npz"))
    at_both_sizes(golden, small, large, seed)
    # The file tells the head count by its shapes.
    ignored = ["pre_logits/kernel", "pre_logits/bias", "head/kernel", "head/bias"]
    return finish(golden, small, large, ["model.npz"], {}, ignored)


def sincos_positions(grid, dim):
    """MAE's fixed positions, (1, 1 + G * G, D): a row of zeros, then sines and cosines of the column, then of the row."""
    rates = 10000.0 ** -(numpy.arange(dim // 4) / (dim / 4.0))
    row, column = (values.ravel() for values in numpy.meshgrid(numpy.arange(grid), numpy.arange(grid), indexing="ij"))
    parts = [function(numpy.outer(axis, rates)) for axis in (column, row) for function in (numpy.sin, numpy.cos)]
    table = numpy.concatenate([numpy.zeros((1, dim)), numpy.concatenate(parts, axis=1)])
    return torch.from_numpy(table).float()[None]


def mae_decoder(config, seed):
    """The decoder that lies beside the encoder in a pre-training checkpoint, narrower and shallower."""
    width, patch = 8, config["patch"]
    decoder = build(config | dict(dim=width, depth=1, heads=2, mlp=8), num_classes=0).state_dict()
    tensors = {f"decoder_{name}": value for name, value in decoder.items() if name.startswith(("blocks.", "norm."))}
    tensors |= {"mask_token": torch.empty(1, 1, width), "decoder_pos_embed": torch.empty_like(decoder["pos_embed"]),
                "decoder_embed.weight": torch.empty(width, config["dim"]), "decoder_embed.bias": torch.empty(width),
                "decoder_pred.weight": torch.empty(patch * patch * 3, width), "decoder_pred.bias": torch.empty(patch * patch * 3)}
    random = generator(seed)
    return {name: random_value(name, value, random) for name, value in sorted(tensors.items())}


def mae(folder, seed):
    config = sizes(image=12, large=20, patch=4)
    small = randomise(build(config, num_classes=0), seed)
    with torch.no_grad():
        small.pos_embed.copy_(sincos_positions(config["image"] // config["patch"], config["dim"]))
    state, decoder = small.state_dict(), mae_decoder(config, seed + 3)
    golden = Golden(folder, config, TIMM, "timm", "bicubic")
    torch.save({"model": state | decoder}, folder / "mae_pretrain.pth")
    large = build(config, num_classes=0, img_size=config["large"])
    grid = config["large"] // config["patch"]
    large.load_state_dict(state | {"pos_embed": resampling.with_prefix(state["pos_embed"], 1, resampling.bicubic, grid)}, strict=True)
    at_both_sizes(golden, small, large, seed)
    return finish(golden, small, large, ["mae_pretrain.pth"], heads_of(config), decoder)


def facebook_names(state, class_and_patches, config, seed):
    """timm's tensors under the names of DINOv2's authors, who store a mask token and, with registers, a position for the class token."""
    renamed = {"pos_embed": class_and_patches, "mask_token": 0.5 * torch.randn(1, config["dim"], generator=generator(seed))}
    for name, value in state.items():
        if name.startswith("head.") or name == "pos_embed":
            continue
        if config["gated_mlp"]:
            name = name.replace("mlp.fc1", "mlp.w12").replace("mlp.fc2", "mlp.w3")
        renamed["register_tokens" if name == "reg_token" else name] = value
    return renamed


def facebook_dinov2(folder, seed, **fields):
    """Without registers the authors shift the scale by a tenth of a patch; with registers they do not, and smooth when shrinking."""
    config = sizes(image=12, large=20, patch=4, layer_scale=True, **fields)
    random = generator(seed + 3)
    grid, registers = config["image"] // config["patch"], config["registers"]
    method = resampling.bicubic_antialias if registers else resampling.bicubic_offset
    positions = 0.5 * torch.randn(1, 1 + grid * grid, config["dim"], generator=random)
    published = facebook_names(randomise(build(config, num_classes=0), seed).state_dict(), positions, config, seed + 4)
    golden = Golden(folder, config, TIMM, "timm", "bicubic-antialias" if registers else "bicubic-offset")
    torch.save(published, folder / "dinov2_pretrain.pth")
    small = loaded(published, config, num_classes=0)
    enlarged = resampling.with_prefix(positions, 1, method, config["large"] // config["patch"])
    large = larger(published | {"pos_embed": enlarged}, config, num_classes=0)
    at_both_sizes(golden, small, large, seed)
    return finish(golden, small, large, ["dinov2_pretrain.pth"], heads_of(config), ["mask_token"])


def facebook_dinov2_reg_swiglu(folder, seed):
    return facebook_dinov2(folder, seed, registers=4, gated_mlp=True, activation="silu", mlp=40)


def timm_dinov2_reg_swiglu(folder, seed):
    """As timm publishes the giant with registers: no position for the class token, both halves of the gated MLP in fc1."""
    config = sizes(image=12, large=20, patch=4, layer_scale=True, registers=4, gated_mlp=True, activation="silu", mlp=40)
    small = randomise(build(config, num_classes=0), seed)
    state = small.state_dict()
    golden = Golden(folder, config, TIMM, "timm", "bicubic-antialias")
    safetensors.torch.save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    large = larger(state, config, num_classes=0)
    at_both_sizes(golden, small, large, seed)
    return finish(golden, small, large, ["model.safetensors"], heads_of(config), [])


KINDS = [timm_vit, timm_deit_distilled, google_npz, mae, facebook_dinov2, facebook_dinov2_reg_swiglu, timm_dinov2_reg_swiglu]
