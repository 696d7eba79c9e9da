// Texts as the tools people use compress them: bzip2 1.0.8, lz4 1.9.4, zstd 1.5.4, gzip 1.12.
import type { BodyCompression } from '../../src/formats/compression/expand-body.ts';

/** What was compressed, by name. */
export const SAMPLE_TEXTS = {
  /** More than a block of bzip2 -1 or lz4 -B4. */
  rows: Buffer.from(
    Array.from({ length: 5000 }, (_, row) => `${row % 40},user ${row % 8},2024-05-06,x\n`).join(''),
  ),
  /** Runs of every length up to 300 and every byte: what bzip2 counts, and where counting ends. */
  runs: Buffer.concat(Array.from({ length: 300 }, (_, count) => Buffer.alloc(count, count % 256))),
  empty: Buffer.alloc(0),
} as const;

export interface CompressedSample {
  readonly tool: string;
  readonly compression: BodyCompression;
  readonly text: keyof typeof SAMPLE_TEXTS;
  readonly bytes: Buffer;
}

/** With both levels it is one block, and what tells them apart is the level in its head. */
const RUNS_BZIP2 =
  'QlpoMTFBWSZTWShtJZQAAAZ/////////////////////////////////////////////0AOcAOAAGkmmJiYAIwTJkYmAmTTA' +
  'mTJhGmAmAIwAmQMAIxGEaYmmjRgJpgAAAABNGJgAE00DTBMRpkxMI03/qqJMABMAATAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
  'AAAAAAABT//1VVAH//qqqH//qqqAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA0AAAAAAADSnjVVTzfqn6pUyNGQMRoZPUNAGI' +
  'wE000BpoNNDAgAYmQNGAmQNAxGmjTCAADBGgGgAYRoaGg0GEDQ00BkMEmAAmAAJgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' +
  'AAAAB/1AocsHegVj1TB6oLQjVa1aFQoDUlqglBpMHhasI5pMDTWkEcwwMrARzTYGosBHMsDs6wEcywNaWAjmWBrawEcywO0L' +
  'ARzLA7SsBHMsDXFgI5lgdqWAjmWB2tYCOZYGurARzLA15YCOZYHbFgI5lgdtWAjmWB25YCOZYHb1gI5lgdwWAjmWBr6wEcyw' +
  'NgWAjmWBsKwEcywO4rARzLA7ksBHMsDYlgI5lgdzWAjmWB3RYCOZYHdVgI5lgbGsBHMsDZFgI5lgd2WAjmWBrFgI5lgaxYCO' +
  'ZYHd1gI5lgd4WAjmWB3laICOZYWWiAjPLDeqICM8sN7ophGeWG+USjb7TSpv1NKm/wlTgKSTwNJKlmpJZulnCWcpZ0lnaWeJ' +
  'Z6lnyWfpaAloKWhJaGloiWipaMlo6WkJaSlpSWlpaYlpqWnJaelqCWopaklqaWqJaqlqyWrpawlrKWtJa2lriWupa8lr6WwJ' +
  'bClsSWxpbIlsqWzJbOltCW0pbUltaW2JbaltyW3pbgluKW5JbmluiW6pbslu6W8JbylvSW9pb4lvqW/Jb+lwCXApcElwaXCJ' +
  'cKlwyXDpcQlxKXFJcWlxiXGpcclx6XIJcilySXJpcolyqXLJculzCXMpc0lzaXOJc6lzyXPpdAl0KXRJdGl0iXSpdMl06XUJ' +
  'dSl1SXVpdYl1qXXJdel2CXYpdkl2aXaJdql2yXbpdwl3KXdJd2l3iXepd8l36XgJeCl4SXhpeIl4qXjJeOl5CXkpeUl5aXmJ' +
  'eal5yXnpegl6KXpJemlgEvUS9VL1kvXS9hL2UvaS9tL3EvdS95L30vgS+FL4kvjS+RL5UvmS+dL6EvpS+pL60vsS+1L7kvvS' +
  '/BL8UvyS/NL9Ev1S/ZL90v4S/lL+ksAl/aX+IU7oAAAAAAAAAAAAAAAAAAAAAASN+mZqZzmhnGZmb5oZt/4u5IpwoSBQ2kso';

/** `tool` reads from its input and writes to its output (-c). */
export const COMPRESSED_SAMPLES: readonly CompressedSample[] = [
  sample(
    'bzip2 -1',
    'bzip2',
    'rows',
    'QlpoMTFBWSZTWbrXh1UAPV9ZgAAQQAZ/4AIAGkBAAx3ABJQIpkxMgyMKZMTIMjBNVVPYnqqf6qGmmgKVJD0ahoD8kiHykiHH' +
      'MpcKlpUugT8wn6hP3CfMJkJkJkJkJ8QmQmQmQmQmQmQnsJkJkJkJ5CZCZCZCZCZCcRMRMRMRMRNQmoTUJqEyEyhPITcJ7Cfy' +
      'E+oT2E7CfiE7CZ2EyE7CdhNomQnYTsJ1E7CewnYTsJ1E7CchOwnYTqJ2E5CdhOwnUTsJiJ7CdhOwnYTkkpVvpSIYSRDlRDmU' +
      'u+6peFS0qXvakiGJJEMqIZhOQm4TkJqilW4pV5CeQm4TcJ5CfRJSr4qqW9JEMKIZkQyqWyqewnsJ4KlW0pV5CbhNQm4TRJSr' +
      'aUq+ITaJuE3CcJKVcSlXkJyE4ichOSSlXEpVyE5CcROUJqE1CaRNQmoTUJpE+ySlX2SUq/xKIakkQ/mKCskyms+QLZJYAKEm' +
      'zAAAggAz/wAQANICAA/gAApkxMgyMKZMTIMjCmTEyDIwTVUaaap/qqHqaD/QSv4hK+Dg+hg/A/I/Q+Dg4ODg6HBwcHBwcHo4' +
      'ODg7HBwcHBwbHKrlVyq5VaGhoc8HQ5DseD0fsfY9GD6GDB6MH0MHBgwZVYPRgwZVYNjBgyqwbGDBlVg4PRgwawbglYhK9Qlf' +
      'CV8HB+Rg6QlfchK2StjY8GxqJXhK7HY8Hg7H2hK6ofEJXRK9or0dj0ejsivKK7Hg0PBpCV5RXQ8qvB4NoSt0V2NjdVsbKJ11' +
      'JLdFbGxuq3DQ0NVWhoaGqr+oSv6hK/yErCEr/i7kinChIQ9VecA=',
  ),
  sample(
    'bzip2 -9',
    'bzip2',
    'rows',
    'QlpoOTFBWSZTWbAPSg4ARaJZgAAQQAZ/4AIAGkBAAxgAOgEKZMTIMjCmTEyDIwTVVNpp6p6qZqaAKVRNojTTRk/1SoV/KlQr' +
      '4gxB7QcQfpB9IPtB8QYgxBiDEHpBiDEGIMQYgxB4gxBiDEHSDEGIMQYgxBtBiDEGIMQaQaQaQaQYgyQdIO0HiD9oPxB4g4g9' +
      'oOIOIPEHEHtBxBiDiDiDiDiDxBxBxBxBxBtBxBxBxBxBtBxBxBxBxBiDxBxBxBxBupUK5UqFbqVCvioV8QeIPpB5lVkIVH0I' +
      'VGIVGJU2g7QbQalQrtUK6QdIO0HaDpB+VKhXqkHypUK9KhXioV4g6QeIPEHUqFdqhXSDtBpB2g1UqFdqhXpB2g7QdoN1KhW1' +
      'QrpBtBtBtBupUK2qFbQbQbQbkGkGkGkGkGkGpVeJVdCFR0IVHYhUeghUfxdyRThQkLAPSg4=',
  ),
  sample(
    'lz4 -B4 -BD -BX --content-size',
    'lz4_frame',
    'rows',
    'BCJNGFRArmsCAADyCDAsdXNlciAwLDIwMjQtMDUtMDYseAoxFgAaMRYAEjIWABoyFgASMxYAGjMWABI0FgAaNBYAEjUWABo1' +
      'FgASNhYAGjYWABI3FgAaNxYAEjgWAAuwABI5FgALsAATMd0AC7EAEzHeAAuyABMx3wALswATMeAAC7QAEzHhAAu1ABMx4gAL' +
      'tgATMeMAC7cAEzHkAAy4AAPlAAy4AAPmAAu4ABMy5gALuAATMuYAC7gAEzLmAAu4ABMy5gALuAATMuYAC7gAEzLmAAu4ABMy' +
      '5gALuAATMuYADLgAA+YADLgAA+YAC7gAEzPmAAu4ABMz5gALuAATM+YAC7gAEzPmAAu4ABMz5gALuAATM+YAC7gAEzPmAAu4' +
      'ABMz5gAMuAAD5gAMuAADsgILuAAD5QALtwAD5AALtgAD4wAMtQACWAALtAAD4QALswAD4AALsgAD3wALsQAD3gALsAAD3QAL' +
      'sAAD3AALsAAPjgP/////////////////////////////////////////////////////////////////////////////////' +
      '////////////////////////////////////////////////////////////////////////////////////////////////' +
      '////////////////////////////////////////////////////////////////////////////////////////////////' +
      '//////////////////////////////////////////////////////////////96UDI0LTA1IGRE5sYAAAAP8P//////////' +
      '////////////////////////////////////////////////////////////////////////////////////////////////' +
      '////////////////////////////////////////////////////////////////////////////////////////////////' +
      '//////////////////////////////////////////////////pQMDYseAoB6wKZAAAAAN87fHc=',
  ),
  sample(
    'lz4 -B7 -BI --no-frame-crc',
    'lz4_frame',
    'rows',
    'BCJNGGBQ+ygDAADyCDAsdXNlciAwLDIwMjQtMDUtMDYseAoxFgAaMRYAEjIWABoyFgASMxYAGjMWABI0FgAaNBYAEjUWABo1' +
      'FgASNhYAGjYWABI3FgAaNxYAEjgWAAuwABI5FgALsAATMd0AC7EAEzHeAAuyABMx3wALswATMeAAC7QAEzHhAAu1ABMx4gAL' +
      'tgATMeMAC7cAEzHkAAy4AAPlAAy4AAPmAAu4ABMy5gALuAATMuYAC7gAEzLmAAu4ABMy5gALuAATMuYAC7gAEzLmAAu4ABMy' +
      '5gALuAATMuYADLgAA+YADLgAA+YAC7gAEzPmAAu4ABMz5gALuAATM+YAC7gAEzPmAAu4ABMz5gALuAATM+YAC7gAEzPmAAu4' +
      'ABMz5gAMuAAD5gAMuAADsgILuAAD5QALtwAD5AALtgAD4wAMtQACWAALtAAD4QALswAD4AALsgAD3wALsQAD3gALsAAD3QAL' +
      'sAAD3AALsAAPjgP/////////////////////////////////////////////////////////////////////////////////' +
      '////////////////////////////////////////////////////////////////////////////////////////////////' +
      '////////////////////////////////////////////////////////////////////////////////////////////////' +
      '////////////////////////////////////////////////////////////////////////////////////////////////' +
      '////////////////////////////////////////////////////////////////////////////////////////////////' +
      '////////////////////////////////////////////////////////////////////////////////////////////////' +
      '//////////////////////////+NUDA2LHgKAAAAAA==',
  ),
  sample(
    'zstd -19 --check',
    'zstd',
    'rows',
    'KLUv/QRozQMAIgYQEMDrqPv+n7mblDKlYPjeegPm5eR5/P33e7txMXEafb7t2mxaSprFXl+3tZpCSCbi3W+3YIm0gTbOZmEB' +
      'naSEBS+oIVR+/zOQo9LFEaiERwnr9///DsW4kb8gLGQUO9Mh53DcjA01oxHOXtb7cWl9P9bSOgVUBSUbo1M=',
  ),
  sample(
    'gzip -9',
    'gzip',
    'rows',
    'H4sIAAAAAAACA+3Tu2lFMRBF0dxVuID7QBrdb0Fu4BmDy3egSHBSZys90WaY1baf76/3Z9uq1f5qx6ud2+9Hn2tf15prreuY' +
      '61jXfa77uh5zPdb1nOu5rtdcr3W9Y+8Te3uLwb3H4l4xuY/Y3PcY3Y9Y3c985it337n7id3VYnf12F0Vu2vE7tpjdx35P87Y' +
      'XVfuvnP3E7tHi92jx+5RsXuM2D32/NhH7B5n7B5X7r5z9xO7G4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgj' +
      'jTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII400' +
      '0kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJI' +
      'I4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCON' +
      'NNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTS' +
      'SCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgj' +
      'jTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII400' +
      '0kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJII4000kgjjTTSSCONNNJI' +
      'I4000kgjjf+q8Q99Oz51VrwBAA==',
  ),
  sample('bzip2 -1', 'bzip2', 'runs', RUNS_BZIP2),
  sample('bzip2 -9', 'bzip2', 'runs', RUNS_BZIP2.replace('QlpoMTFB', 'QlpoOTFB')),
  sample(
    'lz4 -B4 -BD -BX --content-size',
    'lz4_frame',
    'runs',
    'BCJNGHRAvSwGAACwAQICAwMDBAQEBAUBABEGAQASBwEAEwgBABQJAQAVCgEAFgsBABcMAQAYDQEAGQ4BABoPAQAbEAEAHBEB' +
      'AB0SAQAeEwEAHxQBAAAfFQEAAR8WAQACHxcBAAMfGAEABB8ZAQAFHxoBAAYfGwEABx8cAQAIHx0BAAkfHgEACh8fAQALHyAB' +
      'AAwfIQEADR8iAQAOHyMBAA8fJAEAEB8lAQARHyYBABIfJwEAEx8oAQAUHykBABUfKgEAFh8rAQAXHywBABgfLQEAGR8uAQAa' +
      'Hy8BABsfMAEAHB8xAQAdHzIBAB4fMwEAHx80AQAgHzUBACEfNgEAIh83AQAjHzgBACQfOQEAJR86AQAmHzsBACcfPAEAKB89' +
      'AQApHz4BACofPwEAKx9AAQAsH0EBAC0fQgEALh9DAQAvH0QBADAfRQEAMR9GAQAyH0cBADMfSAEANB9JAQA1H0oBADYfSwEA' +
      'Nx9MAQA4H00BADkfTgEAOh9PAQA7H1ABADwfUQEAPR9SAQA+H1MBAD8fVAEAQB9VAQBBH1YBAEIfVwEAQx9YAQBEH1kBAEUf' +
      'WgEARh9bAQBHH1wBAEgfXQEASR9eAQBKH18BAEsfYAEATB9hAQBNH2IBAE4fYwEATx9kAQBQH2UBAFEfZgEAUh9nAQBTH2gB' +
      'AFQfaQEAVR9qAQBWH2sBAFcfbAEAWB9tAQBZH24BAFofbwEAWx9wAQBcH3EBAF0fcgEAXh9zAQBfH3QBAGAfdQEAYR92AQBi' +
      'H3cBAGMfeAEAZB95AQBlH3oBAGYfewEAZx98AQBoH30BAGkffgEAah9/AQBrH4ABAGwfgQEAbR+CAQBuH4MBAG8fhAEAcB+F' +
      'AQBxH4YBAHIfhwEAcx+IAQB0H4kBAHUfigEAdh+LAQB3H4wBAHgfjQEAeR+OAQB6H48BAHsfkAEAfB+RAQB9H5IBAH4fkwEA' +
      'fx+UAQCAH5UBAIEflgEAgh+XAQCDH5gBAIQfmQEAhR+aAQCGH5sBAIcfnAEAiB+dAQCJH54BAIofnwEAix+gAQCMH6EBAI0f' +
      'ogEAjh+jAQCPH6QBAJAfpQEAkR+mAQCSH6cBAJMfqAEAlB+pAQCVH6oBAJYfqwEAlx+sAQCYH60BAJkfrgEAmh+vAQCbH7AB' +
      'AJwfsQEAnR+yAQCeH7MBAJ8ftAEAoB+1AQChH7YBAKIftwEAox+4AQCkH7kBAKUfugEAph+7AQCnH7wBAKgfvQEAqR++AQCq' +
      'H78BAKsfwAEArB/BAQCtH8IBAK4fwwEArx/EAQCwH8UBALEfxgEAsh/HAQCzH8gBALQfyQEAtR/KAQC2H8sBALcfzAEAuB/N' +
      'AQC5H84BALofzwEAux/QAQC8H9EBAL0f0gEAvh/TAQC/H9QBAMAf1QEAwR/WAQDCH9cBAMMf2AEAxB/ZAQDFH9oBAMYf2wEA' +
      'xx/cAQDIH90BAMkf3gEAyh/fAQDLH+ABAMwf4QEAzR/iAQDOH+MBAM8f5AEA0B/lAQDRH+YBANIf5wEA0x/oAQDUH+kBANUf' +
      '6gEA1h/rAQDXH+wBANgf7QEA2R/uAQDaH+8BANsf8AEA3B/xAQDdH/IBAN4f8wEA3x/0AQDgH/UBAOEf9gEA4h/3AQDjH/gB' +
      'AOQf+QEA5R/6AQDmH/sBAOcf/AEA6B/9AQDpH/4BAOof/wEA6x8AAQDsHwEBAO0fAgEA7h8DAQDvAICDDwIA7QB/hA8CAO4B' +
      'f4UPAgDuAn+GDwIA7gN/hw8CAO4Ef4gPAgDuBX+JDwIA7gZ/ig8CAO4Hf4sPAgDuCH+MDwIA7gl/jQ8CAO4Kf44PAgDuC3+P' +
      'DwIA7gx/kA8CAO4Nf5EPAgDuDn+SDwIA7g9/kwAPAgDuD3+UAQ8CAO4Pf5UCDwIA7g9/lgMPAgDuD3+XBA8CAO4Pf5gFDwIA' +
      '7g9/mQYPAgDuD3+aBw8CAO4Pf5sIDwIA7g9/nAkPAgDuD3+dCg8CAO4Pf54LDwIA7g9/nwwPAgDuD3+gDQ8CAO4Pf6EODwIA' +
      '7g9/og8PAgDuD3+jEA8CAO4Pf6QRDwIA7g9/pRIPAgDuD3+mEw8CAO4Pf6cUDwIA7g9/qBUPAgDuD3+pFg8CAO4Pf6oXDwIA' +
      '6VArKysrK9AEtK4AAAAAu468zg==',
  ),
  sample(
    'lz4 -B7 -BI --no-frame-crc',
    'lz4_frame',
    'runs',
    'BCJNGGBAgiwGAACwAQICAwMDBAQEBAUBABEGAQASBwEAEwgBABQJAQAVCgEAFgsBABcMAQAYDQEAGQ4BABoPAQAbEAEAHBEB' +
      'AB0SAQAeEwEAHxQBAAAfFQEAAR8WAQACHxcBAAMfGAEABB8ZAQAFHxoBAAYfGwEABx8cAQAIHx0BAAkfHgEACh8fAQALHyAB' +
      'AAwfIQEADR8iAQAOHyMBAA8fJAEAEB8lAQARHyYBABIfJwEAEx8oAQAUHykBABUfKgEAFh8rAQAXHywBABgfLQEAGR8uAQAa' +
      'Hy8BABsfMAEAHB8xAQAdHzIBAB4fMwEAHx80AQAgHzUBACEfNgEAIh83AQAjHzgBACQfOQEAJR86AQAmHzsBACcfPAEAKB89' +
      'AQApHz4BACofPwEAKx9AAQAsH0EBAC0fQgEALh9DAQAvH0QBADAfRQEAMR9GAQAyH0cBADMfSAEANB9JAQA1H0oBADYfSwEA' +
      'Nx9MAQA4H00BADkfTgEAOh9PAQA7H1ABADwfUQEAPR9SAQA+H1MBAD8fVAEAQB9VAQBBH1YBAEIfVwEAQx9YAQBEH1kBAEUf' +
      'WgEARh9bAQBHH1wBAEgfXQEASR9eAQBKH18BAEsfYAEATB9hAQBNH2IBAE4fYwEATx9kAQBQH2UBAFEfZgEAUh9nAQBTH2gB' +
      'AFQfaQEAVR9qAQBWH2sBAFcfbAEAWB9tAQBZH24BAFofbwEAWx9wAQBcH3EBAF0fcgEAXh9zAQBfH3QBAGAfdQEAYR92AQBi' +
      'H3cBAGMfeAEAZB95AQBlH3oBAGYfewEAZx98AQBoH30BAGkffgEAah9/AQBrH4ABAGwfgQEAbR+CAQBuH4MBAG8fhAEAcB+F' +
      'AQBxH4YBAHIfhwEAcx+IAQB0H4kBAHUfigEAdh+LAQB3H4wBAHgfjQEAeR+OAQB6H48BAHsfkAEAfB+RAQB9H5IBAH4fkwEA' +
      'fx+UAQCAH5UBAIEflgEAgh+XAQCDH5gBAIQfmQEAhR+aAQCGH5sBAIcfnAEAiB+dAQCJH54BAIofnwEAix+gAQCMH6EBAI0f' +
      'ogEAjh+jAQCPH6QBAJAfpQEAkR+mAQCSH6cBAJMfqAEAlB+pAQCVH6oBAJYfqwEAlx+sAQCYH60BAJkfrgEAmh+vAQCbH7AB' +
      'AJwfsQEAnR+yAQCeH7MBAJ8ftAEAoB+1AQChH7YBAKIftwEAox+4AQCkH7kBAKUfugEAph+7AQCnH7wBAKgfvQEAqR++AQCq' +
      'H78BAKsfwAEArB/BAQCtH8IBAK4fwwEArx/EAQCwH8UBALEfxgEAsh/HAQCzH8gBALQfyQEAtR/KAQC2H8sBALcfzAEAuB/N' +
      'AQC5H84BALofzwEAux/QAQC8H9EBAL0f0gEAvh/TAQC/H9QBAMAf1QEAwR/WAQDCH9cBAMMf2AEAxB/ZAQDFH9oBAMYf2wEA' +
      'xx/cAQDIH90BAMkf3gEAyh/fAQDLH+ABAMwf4QEAzR/iAQDOH+MBAM8f5AEA0B/lAQDRH+YBANIf5wEA0x/oAQDUH+kBANUf' +
      '6gEA1h/rAQDXH+wBANgf7QEA2R/uAQDaH+8BANsf8AEA3B/xAQDdH/IBAN4f8wEA3x/0AQDgH/UBAOEf9gEA4h/3AQDjH/gB' +
      'AOQf+QEA5R/6AQDmH/sBAOcf/AEA6B/9AQDpH/4BAOof/wEA6x8AAQDsHwEBAO0fAgEA7h8DAQDvAICDDwIA7QB/hA8CAO4B' +
      'f4UPAgDuAn+GDwIA7gN/hw8CAO4Ef4gPAgDuBX+JDwIA7gZ/ig8CAO4Hf4sPAgDuCH+MDwIA7gl/jQ8CAO4Kf44PAgDuC3+P' +
      'DwIA7gx/kA8CAO4Nf5EPAgDuDn+SDwIA7g9/kwAPAgDuD3+UAQ8CAO4Pf5UCDwIA7g9/lgMPAgDuD3+XBA8CAO4Pf5gFDwIA' +
      '7g9/mQYPAgDuD3+aBw8CAO4Pf5sIDwIA7g9/nAkPAgDuD3+dCg8CAO4Pf54LDwIA7g9/nwwPAgDuD3+gDQ8CAO4Pf6EODwIA' +
      '7g9/og8PAgDuD3+jEA8CAO4Pf6QRDwIA7g9/pRIPAgDuD3+mEw8CAO4Pf6cUDwIA7g9/qBUPAgDuD3+pFg8CAO4Pf6oXDwIA' +
      '6VArKysrKwAAAAA=',
  ),
  sample(
    'zstd -19 --check',
    'zstd',
    'runs',
    'KLUv/QRoBRUA5BIBAgIDAwMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6' +
      'Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2BhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ent8fX5/gIGC' +
      'g4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7vL2+v8DBwsPExcbHyMnK' +
      'y8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8AAQIDBAUGBwgJCgsMDQ4PEBES' +
      'ExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqK4EomBHg7wYAIhAIBAJBEARBEARBEARBEARBEARBEARBEARBEIaBIBDEeT8nN3nJ' +
      'ST5ykYcc5B/3eMc5vnGNZxzjF7d4xSk+cYlHHOIPd3jDGb5whScc4Qc3eMEJPnCBBxzgX3/6+O7Tm4/vjr16OnPl48B/49ae' +
      '3Zr6tGjOzJYhHycuPPg3L924t2jNxnLdShV106SiQ33i1JTJsrJkyI+NFSE2LCQo8A/fPXh268rBfdNGDc0ZsrFgvXZtxWKV' +
      'qhQoT02UJjEiOhTIZ48dODZqyMR0yXIlpQmSIiE8dGzAeIFCYkQHhgsSGBAYABAfvju59utmYdy2rKI/KxUB+9GpPeuSQmrE' +
      'I/OlRAOiA4G8e/Vm2dDPx7+3V08/Lx8P/+3cinNBLRnVpUEZ8SjJALCPfUvwjtANgfvFvgv9Fvks8C4tKynNysbCmpVtYDgz' +
      'CwZu6M6UoHuDrIue/JR1AOsqbuSIb40pyj/MvMkUAFQBVGBEXg==',
  ),
  sample(
    'gzip -9',
    'gzip',
    'runs',
    'H4sIAAAAAAACA+3BA2DjYBgA0Nu6zrbtnW3btm3btm3btm3btu27eUWaJm3w43vPxNRUoVCYxVLGMY9nkcAykVUS62Q2KWxV' +
      '2KmyV+OgzlGDkyZnLS7aXBm4MXFn5MHMUwcvXbx18tHNl4UfG39WAewC9QjSJ1ivEP1COQjjIpyTCG4iOYriKpqzGO5S85CG' +
      'j7S8pOMnPU8Z+MrIWyb+MhsgiyGyGiSbYbIbKIehchosl+FyGyGPMfIaJZ9x8hupgLEKGq2Q8QoLoIgQigqimDCKC6SEUEoK' +
      'ppRwSguojJDKCqqcsMoLrILQKgqukvAqi6CKGKqKopo4qoukhlhqiqaWeGqLqI6Y6oqqnrjqi6yB2BqKrpH4GkugiRSaSqKZ' +
      'NJpLpIVUWkqmlXRaS6iNlNpKqp202kusg9Q6Sq6T9DrLoIscusqimzy6y6SHXHrKppd8esuoj5z6yqqfvPrLbIDcBspukPwG' +
      'I2AICoYiYRgahiNiBCpGImMUOkYjZAxKxiJlHFrGI2YCaiYiZxJ6JiNoCoqmImkamqYjagaqZiJrFrpmI2wOyuYibR7a5iNu' +
      'AeoWIm8R+hZjYAkOlmJhGR6WY2IFLlZiYxU+VmNkDU7WYmUdXtZjZgNuNmJnE342Y2gLjrZiaRuetmNqB652YmsXvnZjbA/O' +
      '9mJtH972Y+4A7g5i7xD+DhPgCAmOEuEYGY4T4gQpThLjFDlOE+QMSc4S5RxZzhPmAmkuEucSeS4T6AqJrhLpGpmuE+oGqW4S' +
      '6xa5bhPsDsnuEu0e2e4T7gHpHhLvEfkeU+AJDZ5S4RkdnlPiBS1eUuMVPV5T5A1N3lLlHV3eU+YDbT5S5xN9PlPoC42+Uukb' +
      'nb5T6getflLrF71+U+wPzf5S7R/dUlHOhHam1FMAM2CmBEqlOYhlAeJYgnhWIIE1SGQDktiCZHYghT1Q4QBUOQI1TkCdM9Dg' +
      'AjS5Ai1uQJs7YOABmHgCRl6AmTfQwQfo4gt08gO6+QMWAYBNIGAVBNgFAz1CgD6hQK8woF844CACcBEJOIkC3EQDjmIAV/8B' +
      'W7x1yjKvAAA=',
  ),
  sample('bzip2 -1', 'bzip2', 'empty', 'QlpoMRdyRThQkAAAAAA='),
  sample('bzip2 -9', 'bzip2', 'empty', 'QlpoORdyRThQkAAAAAA='),
  sample('lz4 -B4 -BD -BX --content-size', 'lz4_frame', 'empty', 'BCJNGHRAvQAAAAAFXcwC'),
  sample('lz4 -B7 -BI --no-frame-crc', 'lz4_frame', 'empty', 'BCJNGGBAggAAAAA='),
  sample('zstd -19 --check', 'zstd', 'empty', 'KLUv/SQAAQAAmenYUQ=='),
  sample('gzip -9', 'gzip', 'empty', 'H4sIAAAAAAACAwMAAAAAAAAAAAA='),
];

function sample(
  tool: string,
  compression: BodyCompression,
  text: keyof typeof SAMPLE_TEXTS,
  base64: string,
): CompressedSample {
  return { tool, compression, text, bytes: Buffer.from(base64, 'base64') };
}
