"""peers.py PEER TEXTS SECONDS ROUNDS: what a peer of the guard costs, as one line of JSON.

Prints the fields of `latency` of the guard: texts take turns, each for so many seconds per scanner and at least so
many rounds. A scanner that does not find what it is made for is an error: its time would mean nothing. One that
cannot be set up is named under `missing`.
"""

import atexit
import json
import logging
import resource
import sys
import tempfile
import time
import types

# Has the form of a key and is none.
KEY = 'aws_key = "AK' + 'IAQ3EGRZ7VLN2XPKDW"'
MAIL = "Please write to anna.example@example.com about it."


def presidio(subjects, _missing):
    """Its recognisers by pattern and check digit, on spaCy's tokeniser alone: no model, so no names and places."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer

    # Without this, the first address makes it fetch a list of suffixes; it ships one.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)

    class Blank(SpacyNlpEngine):
        def load(self):
            self.nlp = {"en": spacy.blank("en")}

    nlp = Blank()
    nlp.load()
    engine = AnalyzerEngine(nlp_engine=nlp, supported_languages=["en"])
    # It passes on what a model of spaCy found, and there is none.
    for recognizer in list(engine.registry.recognizers):
        if isinstance(recognizer, SpacyRecognizer):
            engine.registry.recognizers.remove(recognizer)
    count = len(engine.registry.recognizers)
    subjects.append(("presidio", count, lambda text: len(engine.analyze(text, language="en")), MAIL))


def detect_secrets(subjects, _missing):
    """Its plugins with their default settings, on a file per text that is written before."""
    from detect_secrets.core.scan import get_plugins
    from detect_secrets.core.secrets_collection import SecretsCollection
    from detect_secrets.settings import default_settings

    # Stays open: setting it up for each text is not scanning.
    settings = default_settings()
    settings.__enter__()
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    paths = {}

    def scan(text):
        if text not in paths:
            paths[text] = f"{folder.name}/{len(paths)}.txt"
            with open(paths[text], "w", encoding="utf-8") as written:
                written.write(text)
        secrets = SecretsCollection()
        secrets.scan_file(paths[text])
        return len(secrets.files) and sum(1 for _ in secrets)

    # Kept from being closed.
    scan.settings = settings
    subjects.append(("detect-secrets", len(get_plugins()), scan, KEY))


def llm_guard(subjects, missing):
    """Those of its scanners that need no neural network, alone and one after the other."""
    import importlib.util
    from importlib import import_module

    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    # Only the modules of these scanners are loaded: its packages load all others at once, and those ask for torch
    # and transformers.
    root = importlib.util.find_spec("llm_guard").submodule_search_locations[0]
    for name, path in [("llm_guard", root), ("llm_guard.input_scanners", f"{root}/input_scanners")]:
        package = types.ModuleType(name)
        package.__path__ = [path]
        sys.modules[name] = package
    scanner = lambda module: import_module(f"llm_guard.input_scanners.{module}")
    banned = scanner("ban_substrings")
    made = {
        "Secrets": (lambda: scanner("secrets").Secrets(), KEY),
        "Regex": (lambda: scanner("regex").Regex([r"Bearer [A-Za-z0-9-._~+/]+"]), "Bearer abc"),
        "BanSubstrings": (lambda: banned.BanSubstrings(banned.PROMPT_STOP_SUBSTRINGS), "how to write a keylogger"),
        "InvisibleText": (lambda: scanner("invisible_text").InvisibleText(), "a\U000e0041b"),
        "TokenLimit": (lambda: scanner("token_limit").TokenLimit(limit=100_000), None),
    }
    scanners = []
    for name, (make, probe) in made.items():
        try:
            made_scanner = make()
        except Exception as error:
            missing.append(f"llm-guard {name}: could not be set up here ({type(error).__name__})")
            continue
        scanners.append(made_scanner)
        found = lambda text, it=made_scanner: int(not it.scan(text)[1])
        subjects.append((f"llm-guard {name}", 1, found, probe))
    together = lambda text: sum(not it.scan(text)[1] for it in scanners)
    subjects.append(("llm-guard", len(scanners), together, KEY))


PEERS = {"presidio": presidio, "detect-secrets": detect_secrets, "llm-guard": llm_guard}


def measured(scan, texts, enough, rounds):
    """Each text with its times in nanoseconds."""
    findings = [scan(text["text"]) for text in texts]
    times = [[] for _ in texts]
    begun = time.perf_counter()
    done = 0
    while done < rounds or time.perf_counter() - begun < enough:
        for text, taken in zip(texts, times):
            start = time.perf_counter_ns()
            scan(text["text"])
            taken.append(time.perf_counter_ns() - start)
        done += 1
    return [said(text, taken, found) for text, taken, found in zip(texts, times, findings)]


def said(text, taken, found):
    taken.sort()
    # Nearest rank, as in `latency`.
    percentile = lambda percent: taken[max(-(-len(taken) * percent // 100), 1) - 1] / 1e3
    return {
        "name": text["name"],
        "bytes": len(text["text"].encode()),
        "rounds": len(taken),
        "findings": found,
        "p50_us": percentile(50),
        "p99_us": percentile(99),
        "total_us": sum(taken) / 1e3,
    }


def main():
    begun = time.perf_counter()
    peer, file, seconds, rounds = sys.argv[1:]
    with open(file, encoding="utf-8") as opened:
        texts = json.load(opened)
    subjects, missing = [], []
    PEERS[peer](subjects, missing)
    ready = (time.perf_counter() - begun) * 1e3
    results = []
    for name, count, scan, probe in subjects:
        if probe is not None and not scan(probe):
            sys.exit(f"{name} does not find what it is made for: it is not set up as it should be")
        results.append(
            {
                "name": name,
                "detectors": count,
                "ready_ms": ready,
                "texts": measured(scan, texts, float(seconds), int(rounds)),
            }
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"subjects": results, "missing": missing, "peak_kib": peak}))


if __name__ == "__main__":
    main()
