// Runs a prompt through one's own llama.cpp and writes every stage of its graph that MoEscope knows, one .npy a tensor.
//
//   c++ -std=c++17 -O2 moescope-capture.cpp -I$LLAMA/include -I$LLAMA/ggml/include -L$LLAMA/build/bin
//       -lllama -lggml -lggml-base -Wl,-rpath,$LLAMA/build/bin -o moescope-capture
//   ./moescope-capture MODEL.gguf 9707,1917 OUT [--gpu-layers N] [--flash-attention auto|on|off] [--kv f16|f32] [--threads N]
//       [--backends DIR] [--all]
//
// Stages are told by the weights that nodes read (src[0]->name is the GGUF's name), not by the names of nodes. Values inside fused
// kernels are not asked for: with --all every node is, each is then computed alone, and the logits may differ from an ordinary run.
// The prompt is decoded once without the callback and once with it; index.json says how many rows of logits differ.
#include "ggml-backend.h"
#include "ggml.h"
#include "llama.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Options {
    std::string model, out, backends;
    std::vector<llama_token> tokens;
    int gpu_layers = 999, threads = 4;
    enum llama_flash_attn_type flash_attention = LLAMA_FLASH_ATTN_TYPE_AUTO;
    ggml_type kv = GGML_TYPE_F16;
    bool all = false;
};

// ------------------------------------------------------------------ which stage a node is

const std::map<std::string, std::string> PRODUCTS = {
    {"attn_q", "Qcur_proj"},          {"attn_k", "Kcur_proj"},        {"attn_v", "Vcur"},
    {"attn_output", "attn_out"},      {"ffn_gate_inp", "ffn_moe_logits"},
    {"ffn_gate_exps", "ffn_moe_gate"}, {"ffn_up_exps", "ffn_moe_up"}, {"ffn_down_exps", "ffn_moe_down"},
};
const std::map<std::string, std::string> NORMS = {
    {"attn_norm", "attn_norm"}, {"attn_q_norm", "Qcur_normed"}, {"attn_k_norm", "Kcur_normed"}, {"ffn_norm", "ffn_norm"},
};
const std::map<std::string, std::string> ROTATED = {
    {"Qcur_normed", "Qcur"}, {"Qcur_proj", "Qcur"}, {"Kcur_normed", "Kcur"}, {"Kcur_proj", "Kcur"},
};

struct Stage {
    std::string name; // as in llama.cpp's graph; empty: none
    int layer = -1;   // -1: whole model
};

bool is_view(const ggml_tensor * t) {
    switch (t->op) {
        case GGML_OP_VIEW: case GGML_OP_RESHAPE: case GGML_OP_PERMUTE: case GGML_OP_TRANSPOSE: case GGML_OP_CONT: case GGML_OP_CPY: return true;
        default: return false;
    }
}

const ggml_tensor * root_of(const ggml_tensor * t) {
    for (int i = 0; i < 8 && t && is_view(t) && t->src[0]; i++) t = t->src[0];
    return t;
}

// blk.3.attn_q.weight -> attn_q, 3, weight
bool weight_of(const ggml_tensor * t, std::string & role, int & layer, std::string & kind) {
    char text[GGML_MAX_NAME] = {0}, last[GGML_MAX_NAME] = {0};
    if (!t || sscanf(t->name, "blk.%d.%63[a-z_0-9].%63s", &layer, text, last) != 3) return false;
    role = text;
    kind = last;
    return true;
}

Stage stage_of(const ggml_tensor * t);

Stage origin_of(const ggml_tensor * t) { return t ? stage_of(root_of(t)) : Stage{}; }

Stage named(const std::map<std::string, std::string> & table, const ggml_tensor * weight) {
    std::string role, kind; int layer;
    if (!weight_of(weight, role, layer, kind) || kind != "weight") return {};
    const auto found = table.find(role);
    return found == table.end() ? Stage{} : Stage{found->second, layer};
}

// A bias or a scale that a product gets: what it is joined to is the product's stage, and is written over it. Experts' own are picked first.
Stage joined(const ggml_tensor * t) {
    const ggml_tensor * own = t->src[1];
    for (int i = 0; i < 8 && own && (is_view(own) || own->op == GGML_OP_GET_ROWS || own->op == GGML_OP_REPEAT) && own->src[0]; i++) own = own->src[0];
    const std::string name = own ? own->name : "";
    if (name == "output.scale" || name == "output.bias") return origin_of(t->src[0]);
    std::string role, kind; int layer;
    if (!weight_of(own, role, layer, kind) || (kind != "bias" && kind != "scale")) return {};
    const auto found = PRODUCTS.find(role);
    const Stage product = origin_of(t->src[0]);
    return found != PRODUCTS.end() && product.name == found->second ? product : Stage{};
}

Stage stage_of(const ggml_tensor * t) {
    if (t->op == GGML_OP_ADD || t->op == GGML_OP_ADD_ID || t->op == GGML_OP_MUL) {
        const Stage product = joined(t);
        if (!product.name.empty()) return product;
    }
    const ggml_tensor * first = t->src[0], * second = t->src[1];
    const std::string first_name = first ? first->name : "";
    switch (t->op) {
        case GGML_OP_GET_ROWS:
            return first_name == "token_embd.weight" ? Stage{"embd"} : Stage{};
        case GGML_OP_MUL_MAT:
        case GGML_OP_MUL_MAT_ID: {
            if (first_name == "output.weight" || first_name == "token_embd.weight") return {"result_output"};
            const Stage stage = named(PRODUCTS, first);
            if (!stage.name.empty()) return stage;
            int layer;
            return first && sscanf(root_of(first)->name, "cache_k_l%d", &layer) == 1 ? Stage{"kq", layer} : Stage{};
        }
        case GGML_OP_MUL:
            if (second && std::string(second->name) == "output_norm.weight") return {"result_norm"};
            return named(NORMS, second);
        case GGML_OP_GLU: {
            const Stage gate = origin_of(first);
            return gate.name == "ffn_moe_gate" ? Stage{"ffn_moe_swiglu", gate.layer} : Stage{};
        }
        case GGML_OP_ROPE: {
            const Stage source = origin_of(first);
            const auto found = ROTATED.find(source.name);
            return found == ROTATED.end() ? Stage{} : Stage{found->second, source.layer};
        }
        case GGML_OP_SOFT_MAX: {
            const Stage source = origin_of(first);
            if (source.name == "kq") return {"kq_soft_max", source.layer};
            return source.name == "ffn_moe_logits" ? Stage{"ffn_moe_probs", source.layer} : Stage{};
        }
        default: break;
    }
    char name[GGML_MAX_NAME] = {0}; int layer;
    if (sscanf(t->name, "%63[a-z_]-%d", name, &layer) != 2) return {};
    const std::string plain = name;
    const bool sum = t->op == GGML_OP_ADD, copy = t->op == GGML_OP_CONT || t->op == GGML_OP_RESHAPE;
    if ((sum && (plain == "ffn_inp" || plain == "l_out" || plain == "ffn_moe_out")) || (copy && plain == "kqv_out")) return {plain, layer};
    return {};
}

// The experts' results times the router's weights: where what the router chose is read.
bool is_weighted(const ggml_tensor * t) { return t->op == GGML_OP_MUL && joined(t).name.empty() && origin_of(t->src[0]).name == "ffn_moe_down"; }

// ------------------------------------------------------------------ writing

void write_npy(const std::string & path, const char * type, const std::vector<int64_t> & shape, const void * data, size_t bytes) {
    std::string head = std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (";
    for (const int64_t n : shape) head += std::to_string(n) + ", ";
    head += "), }";
    while ((10 + head.size() + 1) % 64) head += ' ';
    head += '\n';
    FILE * file = fopen(path.c_str(), "wb");
    if (!file) throw std::runtime_error("cannot write " + path);
    const unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char) head.size(), (unsigned char) (head.size() >> 8)};
    const bool ok = fwrite(start, 1, 10, file) == 10 && fwrite(head.data(), 1, head.size(), file) == head.size() && fwrite(data, 1, bytes, file) == bytes;
    if (fclose(file) != 0 || !ok) throw std::runtime_error("cannot write " + path);
}

struct Capture {
    const Options & options;
    int64_t n_tokens;
    std::set<std::string> written; // a product with a bias is written twice, the second time with it
    std::map<std::string, std::string> parameters; // JSON by name, value and layer
    std::string failure; // an exception must not cross llama.cpp's frames
    struct Scores { std::vector<int64_t> shape; std::vector<float> values; };
    std::map<int, Scores> products; // of queries and keys, by layer: the softmax behind them tells the scale

    std::string file_of(const Stage & stage) const {
        return options.out + "/" + stage.name + (stage.layer >= 0 ? "-" + std::to_string(stage.layer) : "") + ".npy";
    }

    // Scores are the product times the scale that llama.cpp's softmax applies.
    void write_scores(int layer, float scale) {
        const auto found = products.find(layer);
        if (found == products.end()) return;
        for (float & x : found->second.values) x *= scale;
        const std::string file = file_of({"kq", layer});
        write_npy(file, "<f4", found->second.shape, found->second.values.data(), 4 * found->second.values.size());
        products.erase(found);
        written.insert(file);
    }

    void write(const Stage & stage, const ggml_tensor * t) {
        const ggml_backend_buffer_t buffer = t->view_src ? t->view_src->buffer : t->buffer;
        if (!buffer || !t->data || ggml_is_quantized(t->type)) return;
        std::vector<char> raw(ggml_nbytes(t)); // the whole span, also of a strided view
        ggml_backend_tensor_get(t, raw.data(), 0, raw.size());
        // Attention: (head, query, key), keys padded; the padding is left out.
        const bool keyed = stage.name == "kq" || stage.name == "kq_soft_max";
        const int64_t n0 = keyed ? n_tokens : t->ne[0];
        const bool integer = t->type == GGML_TYPE_I32;
        std::vector<float> floats; std::vector<int32_t> ids;
        for (int64_t d = 0; d < t->ne[3]; d++) for (int64_t c = 0; c < t->ne[2]; c++) for (int64_t b = 0; b < t->ne[1]; b++) for (int64_t a = 0; a < n0; a++) {
            const char * p = raw.data() + d * t->nb[3] + c * t->nb[2] + b * t->nb[1] + a * t->nb[0];
            switch (t->type) {
                case GGML_TYPE_F32:  { float x; memcpy(&x, p, 4); floats.push_back(x); break; }
                case GGML_TYPE_F16:  floats.push_back(ggml_fp16_to_fp32(*(const ggml_fp16_t *) p)); break;
                case GGML_TYPE_BF16: floats.push_back(ggml_bf16_to_fp32(*(const ggml_bf16_t *) p)); break;
                case GGML_TYPE_I32:  { int32_t x; memcpy(&x, p, 4); ids.push_back(x); break; }
                default: return;
            }
        }
        std::vector<int64_t> shape = {t->ne[3], t->ne[2], t->ne[1], n0};
        if (stage.name == "ffn_moe_weights_norm") shape = {t->ne[2], t->ne[1]}; // (1, used, tokens)
        if (stage.name == "kq") {
            products[stage.layer] = {shape, floats};
            return;
        }
        const std::string file = file_of(stage);
        if (integer) write_npy(file, "<i4", shape, ids.data(), 4 * ids.size());
        else write_npy(file, "<f4", shape, floats.data(), 4 * floats.size());
        written.insert(file);
    }

    // The node's parameters that a file decides, by their places in op_params.
    void note(const char * name, const ggml_tensor * t, double value) {
        const char * dash = strrchr(t->name, '-');
        char number[40];
        snprintf(number, sizeof number, "%.9g", value);
        std::string node;
        for (const char * c = t->name; *c; c++) if (*c != '"' && *c != '\\') node += *c;
        const std::string key = std::string(name) + "=" + number + (dash ? dash : "");
        parameters.emplace(key, std::string("{\"name\": \"") + name + "\", \"value\": " + number + ", \"node\": \"" + node + "\"}");
    }

    void note_parameters(const ggml_tensor * t) {
        const int32_t * words = t->op_params;
        const auto real = [&](int i) { float x; memcpy(&x, words + i, 4); return (double) x; };
        const bool kq = t->op == GGML_OP_SOFT_MAX && strncmp(t->name, "kq", 2) == 0; // the router's softmax has no scale
        if (t->op == GGML_OP_RMS_NORM) note("eps", t, real(0));
        if (kq || t->op == GGML_OP_FLASH_ATTN_EXT) note("attentionScale", t, real(0));
        if (t->op == GGML_OP_CLAMP && strncmp(t->name, "ffn_moe_weights", 15) == 0) note("weightClamp", t, real(0));
        if (t->op == GGML_OP_GLU && real(2) != 0) { note("gluAlpha", t, real(2)); note("gluLimit", t, real(3)); }
        if (t->op == GGML_OP_ROPE) {
            note("ropeDims", t, words[1]);
            note("ropeMode", t, words[2]);
            note("ropeBase", t, real(5));
            note("ropeScale", t, real(6));
        }
    }

    bool on_node(ggml_tensor * t, bool ask) {
        if (!failure.empty()) return false;
        const Stage stage = stage_of(t);
        if (ask) note_parameters(t);
        if (ask && stage.name == "kq_soft_max") {
            float scale;
            memcpy(&scale, t->op_params, 4);
            try {
                write_scores(stage.layer, scale);
            } catch (const std::exception & error) {
                failure = error.what();
                return false;
            }
        }
        if (ask) return options.all || is_weighted(t) || (!stage.name.empty() && stage.name != "ffn_moe_probs");
        try {
            if (!stage.name.empty()) write(stage, t);
            if (t->op == GGML_OP_MUL_MAT_ID && stage.name == "ffn_moe_gate" && t->src[2]) write({"ffn_moe_topk", stage.layer}, t->src[2]);
            if (is_weighted(t) && t->src[1]->data != t->data) write({"ffn_moe_weights_norm", origin_of(t->src[0]).layer}, t->src[1]);
        } catch (const std::exception & error) {
            failure = error.what();
            return false;
        }
        return true;
    }
};

bool callback(ggml_tensor * t, bool ask, void * user) { return static_cast<Capture *>(user)->on_node(t, ask); }

// ------------------------------------------------------------------ running

std::vector<float> decode(llama_model * model, const Options & options, Capture * capture) {
    const int n = (int) options.tokens.size();
    llama_context_params params = llama_context_default_params();
    params.n_ctx = n < 256 ? 256 : n;
    params.n_batch = params.n_ubatch = n < 64 ? 64 : n; // one run of the graph
    params.n_threads = params.n_threads_batch = options.threads;
    params.flash_attn_type = options.flash_attention;
    params.type_k = params.type_v = options.kv;
    params.cb_eval = capture ? callback : nullptr;
    params.cb_eval_user_data = capture;
    llama_context * context = llama_init_from_model(model, params);
    if (!context) throw std::runtime_error("llama.cpp makes no context");
    llama_batch batch = llama_batch_init(n, 0, 1);
    batch.n_tokens = n;
    for (int i = 0; i < n; i++) {
        batch.token[i] = options.tokens[i];
        batch.pos[i] = i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1; // otherwise the last layer computes one row
    }
    const int status = llama_decode(context, batch);
    const int n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
    std::vector<float> logits((size_t) n * n_vocab);
    if (status == 0) for (int i = 0; i < n; i++) memcpy(&logits[(size_t) i * n_vocab], llama_get_logits_ith(context, i), sizeof(float) * n_vocab);
    llama_batch_free(batch);
    llama_free(context);
    if (status != 0) throw std::runtime_error("llama_decode returned " + std::to_string(status));
    return logits;
}

Options read_options(int argc, char ** argv) {
    if (argc < 4) throw std::runtime_error("usage: moescope-capture MODEL.gguf 1,2,3 OUT [--gpu-layers N] [--flash-attention auto|on|off] [--kv f16|f32] [--threads N] [--backends DIR] [--all]");
    Options o;
    o.model = argv[1];
    o.out = argv[3];
    for (char * word = strtok(argv[2], ","); word; word = strtok(nullptr, ",")) o.tokens.push_back(atoi(word));
    if (o.tokens.empty()) throw std::runtime_error("no tokens");
    for (int i = 4; i < argc; i++) {
        const std::string name = argv[i];
        if (name == "--all") { o.all = true; continue; }
        if (i + 1 == argc) throw std::runtime_error(name + " needs a value");
        const std::string value = argv[++i];
        if (name == "--gpu-layers") o.gpu_layers = atoi(value.c_str());
        else if (name == "--backends") o.backends = value;
        else if (name == "--threads") o.threads = atoi(value.c_str());
        else if (name == "--kv" && (value == "f16" || value == "f32")) o.kv = value == "f32" ? GGML_TYPE_F32 : GGML_TYPE_F16;
        else if (name == "--flash-attention" && value == "auto") o.flash_attention = LLAMA_FLASH_ATTN_TYPE_AUTO;
        else if (name == "--flash-attention" && value == "on") o.flash_attention = LLAMA_FLASH_ATTN_TYPE_ENABLED;
        else if (name == "--flash-attention" && value == "off") o.flash_attention = LLAMA_FLASH_ATTN_TYPE_DISABLED;
        else throw std::runtime_error("unknown option " + name + " " + value);
    }
    return o;
}

} // namespace

int main(int argc, char ** argv) {
    try {
        const Options options = read_options(argc, argv);
        std::filesystem::create_directories(options.out);
        // Back ends that are libraries of their own are looked for beside this program unless a folder is named.
        if (options.backends.empty()) ggml_backend_load_all();
        else ggml_backend_load_all_from_path(options.backends.c_str());
        if (ggml_backend_dev_count() == 0) throw std::runtime_error("no back end was found; --backends DIR names the folder that holds libggml-cpu*");
        llama_model_params params = llama_model_default_params();
        params.n_gpu_layers = options.gpu_layers;
        llama_model * model = llama_model_load_from_file(options.model.c_str(), params);
        if (!model) throw std::runtime_error("llama.cpp does not load " + options.model);
        const std::vector<float> plain = decode(model, options, nullptr);
        Capture capture{options, (int64_t) options.tokens.size(), {}, {}, {}, {}};
        const std::vector<float> captured = decode(model, options, &capture);
        if (!capture.failure.empty()) throw std::runtime_error(capture.failure);
        if (capture.written.empty()) throw std::runtime_error("no stage was recognised in the graph");
        const size_t n = options.tokens.size(), n_vocab = plain.size() / n;
        size_t changed = 0;
        for (size_t i = 0; i < n; i++) changed += memcmp(&plain[i * n_vocab], &captured[i * n_vocab], n_vocab * sizeof(float)) != 0;
        const std::string index = options.out + "/index.json";
        FILE * file = fopen(index.c_str(), "w");
        if (!file) throw std::runtime_error("cannot write " + index);
        fprintf(file, "{\"tokens\": [");
        for (size_t i = 0; i < n; i++) fprintf(file, "%s%d", i ? ", " : "", options.tokens[i]);
        fprintf(file, "], \"logitRowsChanged\": %zu, \"parameters\": [", changed);
        const char * comma = "";
        for (const auto & [key, text] : capture.parameters) { fprintf(file, "%s%s", comma, text.c_str()); comma = ", "; }
        fprintf(file, "]}\n");
        fclose(file);
        printf("%zu tensors in %s; capturing changed the logits of %zu of %zu tokens\n", capture.written.size(), options.out.c_str(), changed, n);
        llama_model_free(model);
        return 0;
    } catch (const std::exception & error) {
        fprintf(stderr, "moescope-capture: %s\n", error.what());
        return 1;
    }
}
