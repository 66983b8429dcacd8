// dfa export --to adapter and --to merged: a detector without its trunk, and with it again.
#pragma once

#include "exchange/export.hpp"

namespace dfa {

// A detector's tensors beside the trunk, as an adapter-only file (exchange/adapter_file.hpp). With `base` the trunk is
// the one in that file, which has to be the detector's once rounded to the type that the detector stores; without, it
// is the trunk inside the detector. Errors: as Exporter; model_incompatible for a backbone, and where the trunk of
// `base` is not the detector's.
Result<Exported> export_adapter_file(const ExportSettings& settings);

// An adapter-only file (`settings.model`) and its trunk (`settings.base`) as a detector, f16 unless told otherwise: the
// bytes that `dfa-train merge` writes. Errors: as Exporter; model_incompatible for an adapter that changed its trunk
// (`dfa-train merge` joins those), and for another trunk than the adapter's.
Result<Exported> export_merged(const ExportSettings& settings);

}  // namespace dfa
