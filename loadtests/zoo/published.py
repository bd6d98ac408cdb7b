"""What others measured of the architectures: ROC-AUC on the splits that can be compared.

Won et al., "Evaluation of CNN-based automatic music tagging models", SMC 2020 (arXiv:2006.00751),
with one protocol for all of theirs; Won, Choi & Serra, "Semi-supervised music tagging transformer",
ISMIR 2021, on the same split of the Million Song Dataset; Kim, Lee & Nam, ICASSP 2018
(arXiv:1710.10451) and Lee & Nam 2017 (arXiv:1706.06810) on the splits that Won et al. took over.
"""

MTAT, MSD = "MagnaTagATune, clean split", "Million Song Dataset, Last.fm's top 50"

ROC_AUC = {
    MTAT: {
        "fcn": 0.9005,
        "crnn": 0.8722,
        "musicnn_zoo": 0.9106,
        "sample_cnn": 0.9058,
        "sample_cnn_se": 0.9103,
        "sample_cnn_rese": 0.9113,
        "short_chunk_cnn": 0.9126,
        "short_chunk_res": 0.9129,
        "harmonic_cnn": 0.9127,
        "cnnsa": 0.9077,
        "multi_level_multi_scale": 0.9064,
    },
    MSD: {
        "fcn": 0.8744,
        "crnn": 0.8499,
        "musicnn": 0.8802,
        "vgg": 0.8768,
        "musicnn_zoo": 0.8803,
        "sample_cnn": 0.8789,
        "sample_cnn_se": 0.8838,
        "sample_cnn_rese": 0.8847,
        "short_chunk_cnn": 0.8883,
        "short_chunk_res": 0.8898,
        "harmonic_cnn": 0.8898,
        "cnnsa": 0.8810,
        "music_tagging_transformer": 0.8916,
        "multi_level_multi_scale": 0.8842,
    },
}
