import {
  exactDuplicates,
  gopherQuality,
  gopherRepetition,
  kafkaTopic,
  language,
  maskPii,
  nearDuplicates,
  normalize,
  pipeline,
  rules,
  signature,
} from 'headrace'

/** Documents from a topic, so that no process needs a folder of input. One file fits a ConfigMap; more files make an image of their own. */
export default pipeline('web')
  .from(kafkaTopic('kafka://kafka.kafka.svc:9092', 'documents', { config: '/etc/headrace/kafka.properties' }))
  .annotate(normalize(), language(), gopherQuality(), gopherRepetition(), signature(), maskPii())
  .decide(rules({ languageScore: { below: 0.3 } }), exactDuplicates(), nearDuplicates())
  .tokenize('o200k_base')
  .feed({ length: 4096, batch: 64 })
