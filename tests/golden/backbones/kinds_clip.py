"""Goldens of the CLIP vision tower in every file that carries one: transformers' folders, OpenAI's archive, DeepfakeBench, GenD."""
import collections
import warnings

import safetensors.torch
import torch
import transformers
from timm.models.vision_transformer import checkpoint_filter_fn
from torch import nn
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPVisionConfig, CLIPVisionModel

import kinds_timm
from reference import Golden, generator, pictures, random_value, randomise, record, resampling_matters, sizes

TRANSFORMERS = f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}"
PROJECTION = 16
CLIP_FIELDS = dict(activation="quick-gelu", norm_eps=1e-5, pre_norm=True, patch_bias=False)
# The text tower is there to be ignored.
TEXT = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2, vocab_size=8, max_position_embeddings=4,
            projection_dim=PROJECTION, bos_token_id=6, eos_token_id=7, pad_token_id=0)


def vision_config(config):
    return CLIPVisionConfig(hidden_size=config["dim"], intermediate_size=config["mlp"], num_hidden_layers=config["depth"],
                            num_attention_heads=config["heads"], image_size=config["image"], patch_size=config["patch"],
                            hidden_act="quick_gelu", layer_norm_eps=config["norm_eps"], projection_dim=PROJECTION)


def blocks(model):
    return list(model.vision_model.encoder.layers)


def forward_of(model, head=None):
    """The pooled output is the class token behind the last norm. `head`: feature (N, D) -> logits, in the feature's precision."""
    def forward(images):
        feature = model.vision_model(pixel_values=images, interpolate_pos_encoding=True).pooler_output
        return {"feature": feature} | ({"logits": head(feature)} if head else {})
    return forward


def check_resampling(golden, model):
    embeddings = model.vision_model.embeddings
    side = golden.config["large"]
    with torch.no_grad():
        tokens = torch.zeros(1, 1 + (side // golden.config["patch"]) ** 2, golden.config["dim"])
        moved = embeddings.interpolate_pos_encoding(tokens, side, side)[0, 1:]
    return resampling_matters(golden.folder.name, embeddings.position_embedding.weight[1:], moved)


def finish(golden, model, seed, files, settings, ignored, head=None):
    for offset, prefix in enumerate(("small", "large"), start=1):
        golden.add(prefix, model, blocks, forward_of(model, head), seed + offset)
    matters = check_resampling(golden, model)
    golden.write()
    return dict(golden=golden, files=files, set=settings, ignored=sorted(ignored), changed=matters)


def write_preprocessor(folder, config):
    side = config["image"]
    CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side}).save_pretrained(folder)


def hf_clip_vision(folder, seed):
    config = sizes(image=28, large=42, patch=14, **CLIP_FIELDS)
    model = randomise(CLIPVisionModel(vision_config(config)), seed)
    golden = Golden(folder, config, TRANSFORMERS, "hf", "bicubic")
    model.save_pretrained(folder)
    write_preprocessor(folder, config)
    return finish(golden, model, seed, ["config.json", "model.safetensors", "preprocessor_config.json"], {}, [])


def add_position_ids(path):
    """OpenAI's own uploads were written by a transformers that stored these counters."""
    state = safetensors.torch.load_file(path)
    for tower, table in (("text", "text_model.embeddings.position_embedding.weight"),
                         ("vision", "vision_model.embeddings.position_embedding.weight")):
        state[f"{tower}_model.embeddings.position_ids"] = torch.arange(len(state[table]))[None]
    safetensors.torch.save_file(state, path, metadata={"format": "pt"})
    return state


def hf_clip(folder, seed):
    config = sizes(image=16, large=24, patch=8, **CLIP_FIELDS)
    model = randomise(CLIPModel(CLIPConfig(text_config=TEXT, vision_config=vision_config(config).to_dict(), projection_dim=PROJECTION)), seed)
    golden = Golden(folder, config, TRANSFORMERS, "hf", "bicubic")
    model.save_pretrained(folder)
    write_preprocessor(folder, config)
    state = add_position_ids(folder / "model.safetensors")
    ignored = [name for name in state if not name.startswith("vision_model.") or name.endswith("position_ids")]
    return finish(golden, model, seed, ["config.json", "model.safetensors", "preprocessor_config.json"], {}, ignored)


def state_of_vision(model, prefix):
    """transformers' names below `vision_model.`, with `prefix` before them."""
    return {prefix + name.removeprefix("vision_model."): value.detach().clone() for name, value in model.state_dict().items()
            if name.startswith("vision_model.")}


def openai_state(model, random):
    """OpenAI's names. As in their archives, LayerNorms stay f32 and the rest is f16; the text tower is one block."""
    vision = state_of_vision(model, "")
    state = {"visual.class_embedding": vision["embeddings.class_embedding"],
             "visual.positional_embedding": vision["embeddings.position_embedding.weight"],
             "visual.conv1.weight": vision["embeddings.patch_embedding.weight"],
             "visual.proj": torch.randn(model.config.hidden_size, PROJECTION, generator=random)}
    for leaf in ("weight", "bias"):
        state[f"visual.ln_pre.{leaf}"] = vision[f"pre_layrnorm.{leaf}"]
        state[f"visual.ln_post.{leaf}"] = vision[f"post_layernorm.{leaf}"]
        for index in range(model.config.num_hidden_layers):
            theirs, ours = f"visual.transformer.resblocks.{index}", f"encoder.layers.{index}"
            state[f"{theirs}.attn.in_proj_{leaf}"] = torch.cat([vision[f"{ours}.self_attn.{part}_proj.{leaf}"] for part in "qkv"])
            for name, source in (("attn.out_proj", "self_attn.out_proj"), ("ln_1", "layer_norm1"), ("mlp.c_fc", "mlp.fc1"),
                                 ("mlp.c_proj", "mlp.fc2"), ("ln_2", "layer_norm2")):
                state[f"{theirs}.{name}.{leaf}"] = vision[f"{ours}.{source}.{leaf}"]
    width, hidden = TEXT["hidden_size"], TEXT["intermediate_size"]
    block = {"attn.in_proj_weight": (3 * width, width), "attn.in_proj_bias": (3 * width,), "attn.out_proj.weight": (width, width),
             "attn.out_proj.bias": (width,), "ln_1.weight": (width,), "ln_1.bias": (width,), "mlp.c_fc.weight": (hidden, width),
             "mlp.c_fc.bias": (hidden,), "mlp.c_proj.weight": (width, hidden), "mlp.c_proj.bias": (width,), "ln_2.weight": (width,),
             "ln_2.bias": (width,)}
    text = {f"transformer.resblocks.0.{name}": shape for name, shape in block.items()}
    text |= {"positional_embedding": (TEXT["max_position_embeddings"], width), "token_embedding.weight": (TEXT["vocab_size"], width),
             "ln_final.weight": (width,), "ln_final.bias": (width,), "text_projection": (width, PROJECTION), "logit_scale": ()}
    state |= {name: random_value(name, torch.empty(shape), random) for name, shape in text.items()}
    single = (".ln_", "ln_final", "logit_scale")
    return {name: value if any(part in name for part in single) else value.half() for name, value in state.items()}


class Holder(nn.Module):
    """Parameters under dotted names, so that an archive of it has a given layout. It computes nothing."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


def holding(state):
    root = Holder()
    for name, value in state.items():
        *path, leaf = name.split(".")
        module = root
        for part in path:
            if not hasattr(module, part):
                module.add_module(part, Holder())
            module = getattr(module, part)
        module.register_parameter(leaf, nn.Parameter(value, requires_grad=False))
    return root


def openai_clip(folder, seed):
    config = sizes(image=12, large=20, patch=4, **CLIP_FIELDS)
    model = randomise(CLIPVisionModel(vision_config(config)), seed)
    state = openai_state(model, generator(seed + 3))
    golden = Golden(folder, config, TRANSFORMERS, "openai-clip", "bicubic")
    archive = holding(state)
    counters = {"input_resolution": config["image"], "context_length": TEXT["max_position_embeddings"], "vocab_size": TEXT["vocab_size"]}
    for name, value in counters.items():
        archive.register_buffer(name, torch.tensor(value))
    with warnings.catch_warnings():  # torch calls TorchScript deprecated; the published files will stay what they are
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.save(torch.jit.script(archive), folder / "model.pt")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name and "layrnorm" not in name:
                parameter.copy_(parameter.half().float())
    agrees_with_timm(model, state, config, seed)
    ignored = [name for name in state if not name.startswith("visual.")] + ["visual.proj", *counters]
    return finish(golden, model, seed, ["model.pt"], {"heads": config["heads"]}, ignored)


class QuickGelu(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(1.702 * x)


def agrees_with_timm(model, state, config, seed):
    """timm reads OpenAI's names by itself: the names above are right if both libraries say the same."""
    other = kinds_timm.build(config, pre_norm=True, act_layer=QuickGelu, num_classes=PROJECTION)
    converted = checkpoint_filter_fn({name: value.float() for name, value in state.items()}, other)
    other.load_state_dict(converted, strict=True)
    images = pictures(config["image"], seed)
    ours = record(blocks(model), forward_of(model), images)
    theirs = record(kinds_timm.blocks(other), kinds_timm.forward_of(other), images)
    for name, value in ours.items():
        torch.testing.assert_close(theirs[name], value, rtol=1e-5, atol=1e-5)


def dfb_clip(folder, seed, prefix="", depth=2):
    config = sizes(image=12, large=20, patch=4, depth=depth, **CLIP_FIELDS)
    model = randomise(CLIPVisionModel(vision_config(config)), seed)
    linear = {"head.weight": torch.randn(2, config["dim"], generator=generator(seed + 3)) / config["dim"] ** 0.5,
              "head.bias": torch.tensor([0.3, -0.4])}
    golden = Golden(folder, config, TRANSFORMERS, "dfb-clip", "bicubic")
    state = state_of_vision(model, "backbone.") | linear
    positions = len(state["backbone.embeddings.position_embedding.weight"])
    state["backbone.embeddings.position_ids"] = torch.arange(positions)[None]
    torch.save(collections.OrderedDict((prefix + name, value) for name, value in state.items()), folder / "ckpt_best.pth")

    def head(feature):
        return feature @ linear["head.weight"].to(feature.dtype).T + linear["head.bias"].to(feature.dtype)

    return finish(golden, model, seed, ["ckpt_best.pth"], {"heads": config["heads"]}, [prefix + "backbone.embeddings.position_ids"], head)


def dfb_clip_ddp(folder, seed):
    """As saved from several processes: every name begins with `module.`."""
    return dfb_clip(folder, seed, prefix="module.", depth=1)


def lightning_checkpoint(state, step):
    """What Lightning writes around the weights; only `state_dict` and `hyper_parameters` say anything about the network."""
    trained = [name for name in state if "norm" in name or name.startswith("model.")]
    moments = {index: {"step": torch.tensor(float(step)), "exp_avg": torch.zeros_like(state[name])} for index, name in enumerate(trained[:2])}
    return {"epoch": 3, "global_step": step, "pytorch-lightning_version": "2.5.1", "state_dict": collections.OrderedDict(state),
            "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 4, "completed": 3}}}},
            "callbacks": {"ModelCheckpoint{'monitor': 'val/auroc', 'mode': 'max'}": {"best_model_score": torch.tensor(0.75)}},
            "optimizer_states": [{"state": moments, "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.999), "params": list(range(len(trained)))}]}],
            "lr_schedulers": [{"last_epoch": 3, "base_lrs": [1e-4]}],
            "hparams_name": "kwargs",
            "hyper_parameters": {"run_name": "tiny", "seed": 42, "num_classes": 2, "backbone": "openai/clip-vit-large-patch14",
                                 "backbone_args": None, "freeze_feature_extractor": True, "unfreeze_layers": ["norm"],
                                 "head": "LinearNorm", "peft_v2": None, "lr": 1e-4, "betas": [0.9, 0.999],
                                 "loss": {"ce_labels": 1.0, "uniformity": 0.5, "alignment_labels": 0.1}, "precision": "bf16-mixed"}}


def lightning_gend(folder, seed):
    config = sizes(image=12, large=20, patch=4, **CLIP_FIELDS)
    model = randomise(CLIPVisionModel(vision_config(config)), seed)
    random = generator(seed + 3)
    weight, bias = torch.randn(2, config["dim"], generator=random), torch.tensor([0.3, -0.4])
    golden = Golden(folder, config, TRANSFORMERS, "gend", "bicubic")
    state = state_of_vision(model, "feature_extractor.vision_model.")
    state["feature_extractor.visual_projection.weight"] = torch.randn(PROJECTION, config["dim"], generator=random)
    state |= {"model.linear.weight": weight, "model.linear.bias": bias}
    torch.save(lightning_checkpoint(state, step=1200), folder / "last.ckpt")

    def head(feature):
        return nn.functional.normalize(feature, dim=-1, eps=1e-12) @ weight.to(feature.dtype).T + bias.to(feature.dtype)

    return finish(golden, model, seed, ["last.ckpt"], {"heads": config["heads"]}, ["feature_extractor.visual_projection.weight"], head)


KINDS = [hf_clip_vision, hf_clip, openai_clip, dfb_clip, dfb_clip_ddp, lightning_gend]
