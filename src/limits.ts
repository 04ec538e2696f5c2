/** Every bound in Headrace with its reason. Nothing grows without one of these. Bytes are UTF-8 or file bytes. */
export const limits = {
  /** A slot's target. Large enough that a commit's cost vanishes, small enough that slots in flight fit memory. */
  slotBytes: 512 * 1024,
  /** Addresses are slot * 2^20 + row in a float64, exact to 2^33 slots. A slot of 2-byte lines has 2^18 rows. */
  slotRowsMax: 1_048_576,
  /** One document. Beyond it a row is dead (`document-too-long`); one worker may hold a few copies of it. */
  documentBytesMax: 16 * 1024 * 1024,
  /** The window of a packed file, which unpacking holds in memory: `zstd --long=29`. Four lanes may take it at once, so twice is by choice. */
  windowBytesMax: 512 * 1024 * 1024,
  /** Text that a packed file may give, by its own size, beyond one document's: real text gives 3 to 40 times, and 16 KB can give 400 MB. */
  inflationMax: 200,
  /** Memory of a run beside its workers, and of a worker at a document of `documentBytesMax`, as measured: 600 MB with one. Less is told. */
  processBytes: 256 * 1024 * 1024,
  workerBytes: 384 * 1024 * 1024,
  /** Number of a record in its split: tables have it as a uint32. Beyond it a split is refused, so that no row has another's number. */
  lineMax: 2 ** 32 - 1,
  /**
   * Unpacked pages of a Parquet file that are held at a time, one of each column with its dictionary; each lane may hold as many. Writers
   * make pages of 1 MB, a few of them pages of a whole row group. Beyond it the file is refused (`page-too-large`).
   */
  parquetHeldBytesMax: 1024 * 1024 * 1024,
  /**
   * How many times the bytes of a Parquet file its values may have once runs, dictionaries and packed pages are laid out, beyond one
   * document's. Text packs 3 to 20 times, repeated labels and missing values some 100 times; a file of 1 KB can claim any number of rows.
   */
  parquetInflationMax: 1000,
  /** Lanes read in parallel by the loader; fixed when a run is created, as slot numbers depend on it. */
  lanes: 4,
  /**
   * A run that is over sooner has begun as many workers as it had work for at once, as each costs what a start costs. Later all are there,
   * as each makes the plan anew and must find the pipeline's files as they were.
   */
  workersBegunSeconds: 1,
  /** Slots handed to workers and not yet committed, for each worker: enough to hide latency, little enough for memory. */
  slotsInFlightPerWorker: 3,
  /** Measuring a slot, after which its rows are measured one by one: four times the slowest text known of `documentBytesMax`. */
  slotSecondsMax: 120,
  /** Measuring one row alone, after which it is dead (`took-too-long`): twice the slowest text known of `documentBytesMax`. */
  rowSecondsMax: 60,
  /** A worker that is stopped comes to the end of its row in: rows take milliseconds, and who stops a run waits for it. */
  workerStopSecondsMax: 5,
  /** Rows of a slot that hang or kill a worker. Beyond it the annotator is at fault, not the rows. */
  poisonRowsMax: 64,
  /** Dead records that one request reads again: they are listed in one entry of the log. More take another request. */
  redriveRecordsMax: 1_000_000,
  /** Groups of documents that a column is ranked in: each holds up to `calibrationSampleMax` values twice, of 16 bytes. */
  calibrationGroupsMax: 2000,
  /** Values of a group that its percentiles are made of: with 18,500 none is off by more than 0.01 in 95 of 100 tables (the bound of Dvoretzky, Kiefer and Wolfowitz). */
  calibrationSampleMax: 20_000,
  /** Columns that are looked at side by side: each pair is correlated, in some 10 ms, and each has tables of its own to read. */
  valueColumnsMax: 32,
  /** Thresholds of each: a column of a table for each, and of three sums a domain. */
  valueThresholdsMax: 9,
  /** Targets of a file: each document is held against all of them. */
  targetsMax: 256,
  /** Documents that rank correlations are made of: the standard error of a correlation of 0.9 is below 0.003, and of 0 is 0.014. */
  correlationSampleMax: 5000,
  /** Domains and URLs of all lists of an annotator: 8 bytes each in every thread, 128 MB, and twice that while they are read. */
  urlListEntriesMax: 2 ** 24,
  /** Words of all lists of an annotator, common beginnings once: some 110 bytes each in every thread. */
  listedWordsMax: 2 ** 20,
  /** A line of a list of URLs or words: a URL of a browser has some 2,000 bytes at most. Longer ones are counted as unusable. */
  listLineBytesMax: 2048,
  /** Slots of all runs of a feed: its blocks have them in 32 bits. */
  unionSlotsMax: 2 ** 32,
  /** Rows that all take-downs of a feed list: each reader of the feed holds them, 8 bytes each. */
  takeDownRowsMax: 1_000_000,
  /** Names that one take-down is given: they are held while the log is searched. */
  takeDownNamesMax: 1_000_000,
  /** Slots a stage may lead its slowest reader by (disk between stages, not memory). */
  stageLeadSlotsMax: 2048,
  /** Bytes of one commit: bounds the frame that must fit memory when it is read back. */
  commitBytesMax: 64 * 1024 * 1024,
  /** A frame's length field above this is damage, not data. */
  frameBytesMax: 256 * 1024 * 1024,
  /** A journal's segment; retention unlinks whole segments. */
  segmentBytesMax: 256 * 1024 * 1024,
  /** Files of a log that are open to read, besides those in use: the usual limit of a process is 1024, and a log of 1 TB has 4096. */
  logFilesOpenMax: 128,
  /** A journal's last file is copied whole by the next start up to this, so that restarts do not leave ever more small files. */
  journalCopyBytesMax: 1024 * 1024,
  /** Slots after which the tables' snapshot is brought up to date: what a machine without tables decides again, in seconds. */
  snapshotSlots: 256,
  /** Near-duplicate and exact-duplicate tables; refused beyond it rather than swapped. */
  stateBytesMax: 8 * 1024 * 1024 * 1024,
  /** Tokens of a shard: 4 bytes each, so 32 MB, one record batch. Each domain may hold one open shard in memory. */
  shardTokensMax: 8 * 1024 * 1024,
  /** A shard is cut when its first row is this many slots old, so that a restart reads back no more than that. */
  shardSlotsMax: 512,
  /** Domains of a run, and languages, that are kept apart; later ones share one. Each domain has an open shard in memory and a folder. */
  domainsMax: 4096,
  /** UTF-16 units of a stage's note that a commit carries whole: those of some 300 domains. A longer one costs what is new in it. */
  noteLengthMax: 16 * 1024,
  /** Domains that a feed without a mixture keeps apart: each step names all. */
  fedDomainsMax: 1024,
  /** UTF-16 units of a name of a domain or language that is kept apart: counts of all names stand in memory and in the log. */
  nameLengthMax: 512,
  /** Record batch of a shard. */
  recordBatchBytesMax: 64 * 1024 * 1024,
  /** Tokens of a block: large enough to shuffle. */
  blockTokens: 2 ** 30,
  /** Tokens that pieces are aligned to at most: twice the ranks of the widest context parallelism, with room for tiles of fp8. */
  alignMax: 65_536,
  /** Rows that one run alone keeps, in a comparison: a bit each, and 160 bytes a slot. */
  diffBytesMax: 1024 * 1024 * 1024,
  /** Records of a run that a comparison by label holds at a time, half a kilobyte each; runs of more are read once for each as many. */
  diffLabelsMax: 1_000_000,
  /** Pairs of reasons that a comparison counts apart: pipelines have some hundred reasons. Later ones share one. */
  diffCellsMax: 4096,
  /** Rows whose measurements a report's page has: with 35 columns of 8 bytes 7.5 MB of it; of longer runs a sample. */
  reportRowsMax: 20_000,
  /** Rows of a sample that each reason has at least, where it dropped so many: an estimate of them is then within some 14%. */
  reportReasonRowsMin: 200,
  /** Documents that a page may show: 3 to 8 KB each. */
  reportDocumentsMax: 2000,
  /** Points of a chart over slots or steps: more would lie closer than a screen shows. */
  reportPointsMax: 200,
  /** Columns of scores in one picture, 170 pixels each. */
  reportPicturesMax: 12,
  /** Signatures and bands of rows that a picture of duplicates compares: 112,000 of 224 bytes, thrice while they are read. Of more, some slots'. */
  reportSignatureBytesMax: 24 * 1024 * 1024,
  /** Places of signatures that it compares, some 3 s: 200 documents of 112 places with each of 112,000, or all of 4,700 with each other. */
  reportPlacesMax: 2_500_000_000,
  /** Rows of a table of domains, languages or reasons of a page; the rest are counted. */
  reportNamesMax: 60,
  /** Rows of a going run that thresholds are tried on: with 32 columns some 50 MB, read in 2 to 4 s, each question answered in 10 to 40 ms. */
  sampleRowsMax: 100_000,
  /** Milliseconds in which one refresh of such a sample begins to read further slots; the next one goes on. */
  sampleRefreshMs: 2000,
  /** Slots that one search for documents looks at, some 130 MB of text, and milliseconds after which it begins no other: the asker goes on from there. */
  searchSlotsMax: 256,
  searchMs: 1000,
  /** Documents that one search gives: a kilobyte each. */
  searchDocumentsMax: 100,
  /** UTF-16 units of what is searched for, and of a name that is filtered by: those of the longest name that is kept apart. */
  searchLengthMax: 512,
  /** Names that one question about thresholds compares a column with: each is compared with each row. */
  triedNamesMax: 64,
  /** Values of a label that come from documents or pipelines; a monitoring system keeps a series for each. The rest share one. */
  metricLabelsMax: 200,
  /** Looks at a run that `top` keeps, one a second for a minute and some: of 4,096 domains each has some 0.4 MB. */
  looksMax: 64,
  /** Bytes that `top` takes from a status server, which has some 0.1 MB for 200 labels, and milliseconds that it waits for them. */
  statusBytesMax: 4 * 1024 * 1024,
  statusMsMax: 5000,
  /** Seconds in which a status server answers what it has to read a run for: a connection is held until then. */
  pageSecondsMax: 60,
  /** The body of a question to a status server: thresholds of some hundred columns. */
  pageBodyBytesMax: 64 * 1024,
  /** Pages that watch a run at a time, each with a connection for as long as it is open: a team's screens. */
  eventStreamsMax: 16,
  /** What waits for a page that does not read: three times what one begins with. Beyond it the page is cut off. */
  eventBytesMax: 1024 * 1024,
  /** Points of a live page's charts, one a second while somebody watches: a quarter of an hour, 0.1 MB. */
  historyPointsMax: 900,
  /** Questions to a live page's server that wait for each other: each holds a connection. */
  liveQuestionsMax: 8,
  /** Domains and reasons that a live page is told each second; the rest are counted. */
  liveNamesMax: 40,
  /** Texts that a classifier is fitted on: some 300 bytes of memory each, besides their features on disk. */
  examplesMax: 2 ** 22,
  /** Heads of one file of heads: each has a number for each text in memory while it is read, and 4 MB of weights. */
  headsMax: 64,
  /** Pairs of tokens of a language model, all in memory while it is fitted: 28 bytes each. 586 MB of text in many languages have 7.6 million. */
  bigramsMax: 2 ** 25,
  /** Trigrams of a language model: each worker holds them, 6 bytes each. By default 100 MB of them; 60 MB of text have 6 million. */
  trigramsDefault: 2 ** 24,
  trigramsMax: 2 ** 28,
  /**
   * A binary file of KenLM: held as it is, once for all threads of a process, read when it is first needed. CCNet's have some 4 to 9 GB. V8 was
   * seen to set this much aside at once, and not twice as much.
   */
  kenlmBytesMax: 16 * 1024 * 1024 * 1024,
  /** An ARPA file packed by gzip, and what it unpacks to: both are in each thread at once while it is read, besides the model. */
  arpaPackedBytesMax: 512 * 1024 * 1024,
  arpaUnpackedBytesMax: 2 * 1024 * 1024 * 1024,
  /** A piece of a model of SentencePiece: texts are searched so far from each place. Trainers make pieces of 16 characters by default. */
  pieceBytesMax: 1024,
  /** All pieces of one, each byte of which may be a step to search: 256,000 pieces have some 2 MB. */
  piecesBytesMax: 2 ** 22,
  /** Of a text that SentencePiece cuts, bytes that no place parts for certain: 12 to 40 bytes of memory each. Words have some ten. */
  pieceWindowBytes: 1024 * 1024,
  /** UTF-16 units of a rubric's file: it is sent with each text. */
  rubricLengthMax: 64 * 1024,
  /** Texts that one rubric's answers are kept of: some 200 bytes of memory each, in every thread. */
  judgedTextsMax: 2 ** 22,
  /** Rows that a round of enrichment adds at most: some 300 bytes of memory each in every later round. */
  roundAddMax: 100_000,
  /** Rows of a round that are looked at, with their texts in memory; with 1,000 a share is known to 2 hundredths. */
  roundSampleMax: 1000,
  /** Documents drawn for a judge, 200 bytes each: labels for a classifier are some 100,000 to 500,000. */
  judgeDrawnMax: 2 ** 20,
  /** Documents that are scored to find where a share of the best begins, beyond which some are drawn: the line of the best 5 % of these is that of 4.9 to 5.1 % of all in 95 of 100 draws. */
  recallSampleMax: 200_000,
  /** Recalled documents that are written for a person or a judge to look at: more than anybody reads. */
  recallLookedAtMax: 10_000,
  /** An answer of a judge's server, with what it says beside: a megabyte is many times the tokens that it may have. */
  judgeAnswerBytesMax: 1024 * 1024,
  /** The longest that a busy server's `Retry-After` is waited for: one that wants more is asked again then. */
  serverRetryAfterSecondsMax: 300,
  /** What a server of models is asked about a document, or a batch of them, is answered or given up in: less than `rowSecondsMax`, after which it would be dead. */
  serverDocumentSecondsMax: 45,
  /** Documents in a row that a server of models has failed on or refused, whatever was tried. Beyond it the server is at fault, not the texts. */
  serverFailuresMax: 20,
  /** UTF-8 bytes of the texts of one request for vectors: servers take a megabyte or two. A longer text goes alone. */
  embeddingRequestBytes: 512 * 1024,
  /** Numbers of a vector: encoders have 256 to 4,096 (16 KB a document). */
  embeddingDimensionsMax: 4096,
  /** Vectors of a batch, in memory until its slot is stored: a slot of the shortest records has 40,000, of 1,536 numbers each. */
  embeddingBatchBytesMax: 256 * 1024 * 1024,
  /** What each open file of an export holds before it is written: few calls of the system, and eight of them are nothing. */
  exportBufferBytes: 1024 * 1024,
  /** Rows of an exported Arrow file that are one record batch: held in memory until then. */
  exportBatchBytes: 8 * 1024 * 1024,
  /** An exported file by default: few of them, and each is copied to a node in seconds. */
  exportFileBytes: 1024 * 1024 * 1024,
  /** By default, of formats whose readers fetch whole files and shuffle within some of them: MDS and LitData write such ones. */
  exportChunkBytes: 64 * 1024 * 1024,
  /** A file with offsets of 32 bits, less what stands before and behind its samples. */
  exportAddressedBytesMax: 2 ** 32 - 64 * 1024,
  /** A Megatron data file: as large as numbers here hold exactly, as several of them are mixed at random. */
  exportMegatronBytes: Number.MAX_SAFE_INTEGER,
  /** Parts of an export: names have six digits, and its record names each file. */
  exportPartsMax: 1_000_000,
  /** Connections to a server of a feed: a descriptor for each, and one for the file that it reads. A rank has one or two. */
  serveConnectionsMax: 512,
  /** A request's head: a path of 300 characters and a token. */
  serveHeadBytesMax: 8 * 1024,
  /** From the opening of a connection, with its TLS, to a whole request: a client that is there takes milliseconds. */
  serveHeadSecondsMax: 10,
  /** A connection without a request: a trainer asks each few seconds, and opens another when this is over. */
  serveIdleSecondsMax: 75,
  /** How often the pace of an answer is looked at, and the least that its reader takes: under it, it holds a place that others need. */
  serveStallSeconds: 30,
  serveStallBytesMin: 128 * 1024,
  /** Requests that are being answered when a server is stopped: shorter than the 30 s after which an orchestrator kills. */
  serveDrainSecondsMax: 25,
  /** A file whose tag is of its content, read for each request: `head.json`, `control.json`, small lists. */
  serveHashedBytesMax: 64 * 1024,
  /** Read at a time of a larger one, for each answer. */
  serveChunkBytes: 256 * 1024,
  /** Steps of a file of rows: of 64 samples of 4,096 tokens 256 MB, of 1,024 of them 4 GB; a live feed's trainers wait for that many. */
  rowFileSteps: 256,
  /** More of them would make the file's description, which readers read whole, one of over a megabyte. */
  rowFileStepsMax: 4096,
  /** Samples of a step in a file of rows: their checksums and domains are read with each step. */
  rowSamplesMax: 1 << 20,
  /** Steps in one ledger segment file. */
  ledgerSegmentSteps: 4096,
  /** Lines of the ledger from one that is whole by itself to the next: what a reader opens before its first step, some 200 KB. */
  snapshotSteps: 256,
  /** Bytes of one file of a trainer's reports, which is read whole: trainers begin another at 16 MB. */
  reportFileBytesMax: 64 * 1024 * 1024,
  /** Trainers that report to one feed, a folder each. */
  trainersMax: 1000,
  /** Files of one trainer's reports that a server writes, one a start: its starts are searched in all of them. */
  reportFilesMax: 4096,
  /** A request that brings reports, held in memory: a line of 1,024 domains with long names is some 100 KB. */
  reportBodyBytesMax: 1024 * 1024,
} as const
