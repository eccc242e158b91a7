# onceproof in a container:
#
#   docker build -t onceproof .
#   docker run --rm -v "$PWD:/designs" onceproof check /designs
FROM python:3.12-slim AS build
WORKDIR /source
COPY . .
RUN python -m pip install --no-cache-dir build && python -m build --wheel --outdir /wheels .

FROM python:3.12-slim
COPY --from=build /wheels /wheels
RUN python -m pip install --no-cache-dir "$(echo /wheels/*.whl)[cvc5]" && rm -r /wheels \
    && useradd --create-home onceproof
USER onceproof
WORKDIR /designs
ENTRYPOINT ["onceproof"]
CMD ["--help"]
