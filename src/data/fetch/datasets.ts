/** A file on the web, with what it must turn out to be. */
export interface RemoteFile {
  /** Its name in the dataset's folder. */
  readonly name: string;
  readonly url: string;
  /** Of the file as it is kept: of `member`, where it is taken from an archive. */
  readonly bytes: number;
  readonly sha256: string;
  /** The member to keep, where `url` is a zip archive. */
  readonly member?: string;
}

/** A dataset of others that can be fetched. */
export interface PublicDataset {
  readonly id: string;
  readonly title: string;
  readonly homepage: string;
  /** The terms its owners give. */
  readonly licence: string;
  readonly files: readonly RemoteFile[];
  /** What training reads in the dataset's folder: one of its files, or the folder with these endings. */
  readonly read: { readonly file: string } | { readonly from: string; readonly to: string };
}

/** A commit of github.com/multi30k/dataset, so that what is fetched does not change. */
const MULTI30K =
  "https://raw.githubusercontent.com/multi30k/dataset/c9be912dc05a3ebf9ae5bb5f7f58c1791cda43ab/data/task1/raw";

const multi30kFile = (name: string, bytes: number, sha256: string): RemoteFile => ({
  name,
  url: `${MULTI30K}/${name}`,
  bytes,
  sha256,
});

const multi30k: PublicDataset = {
  id: "multi30k",
  title: "image descriptions in German, English and French (Elliott et al. 2016, task 1)",
  homepage: "https://github.com/multi30k/dataset",
  licence: "for research and education only",
  files: [
    multi30kFile("train.de.gz", 637_044, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"),
    multi30kFile("train.en.gz", 568_929, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
    multi30kFile("train.fr.gz", 604_242, "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c"),
    multi30kFile("val.de.gz", 24_681, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
    multi30kFile("val.en.gz", 21_650, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
    multi30kFile("val.fr.gz", 23_001, "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9"),
    multi30kFile(
      "test_2016_flickr.de.gz",
      22_890,
      "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
    ),
    multi30kFile(
      "test_2016_flickr.en.gz",
      21_077,
      "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    ),
    multi30kFile(
      "test_2016_flickr.fr.gz",
      22_310,
      "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
    ),
  ],
  read: { from: "de", to: "en" },
};

const tatoeba: PublicDataset = {
  id: "tatoeba-en-es",
  title:
    "English and Spanish sentences of learners and teachers (Tatoeba, 2018-05-13, through manythings.org)",
  homepage: "https://www.manythings.org/anki/",
  licence: "CC BY 2.0, attribution: www.manythings.org/anki and tatoeba.org",
  files: [
    {
      name: "spa.tsv",
      url: "https://storage.googleapis.com/download.tensorflow.org/data/spa-eng.zip",
      member: "spa-eng/spa.txt",
      bytes: 8_042_772,
      sha256: "6ec60e212f812ee3430f7568ea6f33b6fb080e32193c5952e8da0ee8ba45574c",
    },
  ],
  read: { file: "spa.tsv" },
};

/** Every dataset that `regard data fetch` knows. */
export const publicDatasets: readonly PublicDataset[] = [multi30k, tatoeba];
