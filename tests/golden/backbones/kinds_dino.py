"""Goldens of DINOv2 and DINOv3 as transformers stores them."""
import json

import torch
from transformers import Dinov2Config, Dinov2Model, Dinov2WithRegistersConfig, Dinov2WithRegistersModel, DINOv3ViTConfig, DINOv3ViTModel

from kinds_clip import TRANSFORMERS
from reference import Golden, randomise, resampling_matters, sizes

FILES = ["config.json", "model.safetensors", "preprocessor_config.json"]
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


def write_preprocessor(folder, config, name, crop):
    """The fields that a published folder states, for these sizes."""
    side = config["image"]
    size = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}} if crop else {"size": {"height": side, "width": side}}
    fields = {"do_center_crop": crop, "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
              "image_processor_type": name, "resample": 3 if crop else 2, "rescale_factor": 1 / 255} | IMAGENET | size
    (folder / "preprocessor_config.json").write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n")


def forward_of(model):
    return lambda images: {"feature": model(pixel_values=images).pooler_output}


def check_positions(golden, model):
    """Dinov2 resamples what it stores, by transformers' own function; DINOv3 stores nothing."""
    if golden.resample == "none":
        return None
    embeddings, side, config = model.embeddings, golden.config["large"], golden.config
    with torch.no_grad():
        tokens = torch.zeros(1, 1 + (side // config["patch"]) ** 2, config["dim"])
        moved = embeddings.interpolate_pos_encoding(tokens, side, side)[0, 1:]
    return resampling_matters(golden.folder.name, embeddings.position_embeddings[0, 1:], moved)


def finish(golden, model, blocks, seed, ignored):
    for offset, prefix in enumerate(("small", "large"), start=1):
        golden.add(prefix, model, blocks, forward_of(model), seed + offset)
    matters = check_positions(golden, model)
    golden.write()
    return dict(golden=golden, files=FILES, set={}, ignored=sorted(ignored), changed=matters)


def dinov2_sizes(config):
    """The library computes a gated width as 2/3 of the ratio's, rounded up to 8: 64 gives 48."""
    ratio = 2 if config["gated_mlp"] else config["mlp"] / config["dim"]
    return dict(hidden_size=config["dim"], num_hidden_layers=config["depth"], num_attention_heads=config["heads"], mlp_ratio=ratio,
                image_size=config["image"], patch_size=config["patch"], use_swiglu_ffn=config["gated_mlp"],
                layer_norm_eps=config["norm_eps"], attn_implementation="sdpa")


def dinov2(folder, seed, config, model, resample):
    randomise(model, seed)
    golden = Golden(folder, config, TRANSFORMERS, "hf", resample)
    model.save_pretrained(folder)
    write_preprocessor(folder, config, "BitImageProcessor", crop=True)
    return finish(golden, model, lambda network: list(network.encoder.layer), seed, ["embeddings.mask_token"])


def hf_dinov2(folder, seed):
    config = sizes(image=14, large=28, patch=7, layer_scale=True, mlp=64)
    return dinov2(folder, seed, config, Dinov2Model(Dinov2Config(**dinov2_sizes(config))), "bicubic")


def hf_dinov2_swiglu(folder, seed):
    config = sizes(image=12, large=20, patch=4, layer_scale=True, gated_mlp=True, activation="silu")
    return dinov2(folder, seed, config, Dinov2Model(Dinov2Config(**dinov2_sizes(config))), "bicubic")


def hf_dinov2_registers(folder, seed):
    config = sizes(image=12, large=20, patch=4, layer_scale=True, registers=4, mlp=64)
    model = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(num_register_tokens=4, **dinov2_sizes(config)))
    return dinov2(folder, seed, config, model, "bicubic-antialias")


def hf_dinov3(folder, seed, **fields):
    config = sizes(image=12, large=20, patch=4, layer_scale=True, registers=4, heads=2, norm_eps=1e-5, rotary_base=100.0, **fields)
    activation = "silu" if config["gated_mlp"] else "gelu"
    model = DINOv3ViTModel(DINOv3ViTConfig(
        patch_size=config["patch"], hidden_size=config["dim"], intermediate_size=config["mlp"], num_hidden_layers=config["depth"],
        num_attention_heads=config["heads"], hidden_act=activation, layer_norm_eps=config["norm_eps"], rope_theta=config["rotary_base"],
        image_size=config["image"], num_register_tokens=config["registers"], use_gated_mlp=config["gated_mlp"], attn_implementation="sdpa"))
    randomise(model, seed)
    golden = Golden(folder, config, TRANSFORMERS, "hf", "none")
    model.save_pretrained(folder)
    write_preprocessor(folder, config, "DINOv3ViTImageProcessorFast", crop=False)
    return finish(golden, model, lambda network: list(network.layer), seed, ["embeddings.mask_token"])


def hf_dinov3_gated(folder, seed):
    return hf_dinov3(folder, seed, gated_mlp=True, activation="silu")


KINDS = [hf_dinov2, hf_dinov2_swiglu, hf_dinov2_registers, hf_dinov3, hf_dinov3_gated]
